import QtQuick
import QtQuick.Templates as T
import FieldTool.theme
import FieldTool.controls

// One place of the program: icon and word.
T.AbstractButton {
    id: item

    property string iconName: ""
    property bool current: false
    property bool atBottom: false
    property int count: 0

    readonly property color ink: current ? Theme.ink : Theme.muted

    implicitWidth: Theme.rail
    implicitHeight: 96
    Accessible.name: text
    Accessible.role: Accessible.PageTab
    Keys.onReturnPressed: clicked()
    Keys.onEnterPressed: clicked()

    background: Item {
        Rectangle {
            visible: item.current
            x: item.atBottom ? 12 : 0
            y: item.atBottom ? 0 : 12
            width: item.atBottom ? item.width - 24 : 5
            height: item.atBottom ? 5 : item.height - 24
            topRightRadius: item.atBottom ? 0 : 3
            bottomRightRadius: 3
            bottomLeftRadius: item.atBottom ? 3 : 0
            color: Theme.action
        }

        Rectangle {
            anchors.fill: parent
            anchors.leftMargin: 8
            anchors.rightMargin: 8
            radius: Theme.radius
            color: item.current ? Theme.selection : item.down ? Theme.pressed : "transparent"
        }

        FocusRing {
            visible: item.visualFocus
            anchors.margins: 4
        }
    }

    contentItem: Item {
        Column {
            anchors.centerIn: parent
            spacing: 6

            Item {
                anchors.horizontalCenter: parent.horizontalCenter
                width: 30
                height: 30

                Icon {
                    anchors.centerIn: parent
                    name: item.iconName
                    size: 28
                    color: item.current ? Theme.action : Theme.muted
                }

                Badge {
                    x: 22
                    y: -13
                    count: item.count
                }
            }

            Label {
                anchors.horizontalCenter: parent.horizontalCenter
                text: item.text
                color: item.ink
                font.weight: item.current ? Font.Bold : Font.Medium
                font.pixelSize: item.current && text.length > 10 ? Theme.caption : Theme.body
            }
        }
    }
}
