import QtQuick
import QtQuick.Templates as T
import FieldTool.theme

// One answer among a few; chosen is framed and ticked, not only coloured.
T.AbstractButton {
    id: tile

    property string iconName: ""
    property string detail: ""
    property string tone: ""
    // A tone of the second line; without one it is quiet.
    property string detailTone: ""
    property bool chosen: false

    implicitWidth: 320
    implicitHeight: Math.max(Theme.target, words.implicitHeight + 28)
    Accessible.name: text
    Accessible.role: Accessible.RadioButton
    Accessible.checked: chosen
    Keys.onReturnPressed: clicked()
    Keys.onEnterPressed: clicked()

    background: Item {
        Rectangle {
            anchors.fill: parent
            radius: Theme.radius
            color: tile.chosen ? Theme.selection : tile.down ? Theme.pressed : Theme.surface
            border.width: tile.chosen ? 3 : 2
            border.color: tile.chosen ? Theme.action : Theme.edge
        }

        FocusRing {
            visible: tile.visualFocus
        }
    }

    contentItem: Item {
        Icon {
            id: icon

            visible: tile.iconName !== ""
            x: 20
            anchors.verticalCenter: parent.verticalCenter
            name: tile.iconName
            size: 28
            color: Theme.tone(tile.tone)
        }

        Column {
            id: words

            x: icon.visible ? 64 : 20
            anchors.verticalCenter: parent.verticalCenter
            width: parent.width - x - 56
            spacing: 2

            Label {
                width: parent.width
                kind: Label.Title
                text: tile.text
                wrapMode: Text.WordWrap
            }

            Row {
                visible: tile.detail !== ""
                width: parent.width
                spacing: 6

                Icon {
                    id: detailIcon

                    visible: tile.detailTone !== ""
                    anchors.verticalCenter: parent.verticalCenter
                    name: Theme.toneIcon(tile.detailTone)
                    size: 20
                    color: Theme.tone(tile.detailTone)
                }

                Label {
                    width: parent.width - (detailIcon.visible ? detailIcon.width + parent.spacing : 0)
                    color: tile.detailTone === "" ? Theme.muted : Theme.tone(tile.detailTone)
                    text: tile.detail
                    wrapMode: Text.WordWrap
                }
            }
        }

        Icon {
            visible: tile.chosen
            anchors.right: parent.right
            anchors.rightMargin: 16
            anchors.verticalCenter: parent.verticalCenter
            name: "good"
            size: 28
            color: Theme.action
        }
    }
}
