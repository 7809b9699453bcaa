pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Templates as T
import FieldTool.theme

// A choice: label above, what is chosen below, the list opens under it; long names wrap in the list.
T.AbstractButton {
    id: dropdown

    property string label: ""
    // [{key, title}]
    property var options: []
    property string current: ""
    // Stands where nothing is chosen yet.
    property string placeholder: ""
    property int rowHeight: 64
    // It leaves rows out unless the option without a key is chosen; then it is marked, by a sign too.
    property bool filter: false
    readonly property bool filtering: filter && current !== ""

    signal chosen(string key)

    readonly property string title: {
        const found = options.find(option => option.key === current);
        return found ? found.title : "";
    }

    implicitWidth: 200
    implicitHeight: 56
    Accessible.name: label + ": " + title
    Accessible.description: filtering ? qsTr("Filtro puesto") : ""
    Accessible.role: Accessible.ComboBox
    Keys.onReturnPressed: clicked()
    onClicked: list.open()

    background: Item {
        Rectangle {
            anchors.fill: parent
            radius: Theme.radius
            color: dropdown.down ? Theme.pressed : dropdown.filtering ? Theme.selection : Theme.surface
            border.width: dropdown.filtering ? 2 : 1
            border.color: dropdown.filtering ? Theme.action : Theme.edge
        }

        FocusRing {
            visible: dropdown.visualFocus
        }
    }

    contentItem: Item {
        Icon {
            visible: dropdown.filtering
            x: 14
            anchors.verticalCenter: parent.verticalCenter
            name: "filter"
            size: 22
            color: Theme.action
        }

        Column {
            x: dropdown.filtering ? 46 : 16
            anchors.verticalCenter: parent.verticalCenter
            width: parent.width - x - 44

            Label {
                width: parent.width
                kind: Label.Caption
                text: dropdown.label
                elide: Text.ElideRight
                mayElide: true
            }

            Label {
                width: parent.width
                strong: dropdown.title !== ""
                color: dropdown.title !== "" ? Theme.ink : Theme.muted
                text: dropdown.title !== "" ? dropdown.title : dropdown.placeholder
                elide: Text.ElideRight
                mayElide: true
            }
        }

        Icon {
            anchors.right: parent.right
            anchors.rightMargin: 12
            anchors.verticalCenter: parent.verticalCenter
            name: "open"
            size: 20
        }
    }

    T.Popup {
        id: list

        y: dropdown.height + 4
        width: Math.max(dropdown.width, 300)
        height: Math.min(rows.contentHeight + 2, 480)
        margins: 8
        padding: 1
        modal: true
        dim: false
        focus: true
        onOpened: {
            rows.currentIndex = dropdown.options.findIndex(one => one.key === dropdown.current);
            rows.byKeyboard = dropdown.visualFocus;
            rows.forceActiveFocus();
        }

        background: Card {}

        contentItem: RowList {
            id: rows

            focus: true
            model: dropdown.options

            delegate: T.ItemDelegate {
                id: row

                required property var modelData

                width: rows.width
                height: Math.max(dropdown.rowHeight, words.implicitHeight + 24)
                text: modelData.title
                onClicked: {
                    list.close();
                    dropdown.chosen(modelData.key);
                }

                background: Rectangle {
                    radius: Theme.cardRadius
                    color: row.down ? Theme.pressed : row.modelData.key === dropdown.current ? Theme.selection : "transparent"

                    FocusRing {
                        visible: row.ListView.isCurrentItem && rows.byKeyboard
                        anchors.margins: 3
                    }
                }

                contentItem: Item {
                    Label {
                        id: words

                        x: 16
                        width: parent.width - 56
                        anchors.verticalCenter: parent.verticalCenter
                        strong: row.modelData.key === dropdown.current
                        text: row.text
                        wrapMode: Text.Wrap
                    }

                    Icon {
                        visible: row.modelData.key === dropdown.current
                        anchors.right: parent.right
                        anchors.rightMargin: 12
                        anchors.verticalCenter: parent.verticalCenter
                        name: "check"
                    }
                }
            }
        }
    }
}
