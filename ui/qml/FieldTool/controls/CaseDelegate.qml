import QtQuick
import QtQuick.Templates as T
import FieldTool.theme

// A row that opens what it names: how it stands, what, where, since when.
T.ItemDelegate {
    id: delegate

    required property var row
    property bool chosen: false
    property bool firstRow: false
    // Long addresses make a row higher, never lie over the next one.
    property int lowest: 64

    readonly property RowList view: ListView.view as RowList

    // In a list its view has the focus; by itself it is reached like a button.
    focusPolicy: view === null ? Qt.StrongFocus : Qt.NoFocus
    text: row.title
    implicitHeight: Math.max(lowest, words.implicitHeight + 18)
    Accessible.description: row.detail
    Keys.onReturnPressed: clicked()
    Keys.onEnterPressed: clicked()

    background: Rectangle {
        color: delegate.chosen ? Theme.selection : delegate.down ? Theme.pressed : "transparent"

        Hairline {
            visible: !delegate.firstRow
            width: parent.width
            height: 1
        }

        Rectangle {
            visible: delegate.chosen
            width: 5
            height: parent.height
            color: Theme.action
        }

        FocusRing {
            visible: delegate.visualFocus || (delegate.ListView.isCurrentItem && delegate.view !== null && delegate.view.byKeyboard)
            anchors.margins: 3
        }
    }

    contentItem: Item {
        Icon {
            x: 20
            anchors.verticalCenter: parent.verticalCenter
            name: delegate.row.icon
            size: 26
            color: Theme.tone(delegate.row.tone)
        }

        Column {
            id: words

            x: 58
            anchors.verticalCenter: parent.verticalCenter
            width: age.x - x - Theme.gap12
            spacing: 2

            Label {
                width: parent.width
                strong: true
                text: delegate.row.title
                wrapMode: Text.WordWrap
            }

            Label {
                visible: text !== ""
                width: parent.width
                kind: Label.Caption
                text: delegate.row.detail
                wrapMode: Text.WordWrap
            }
        }

        Label {
            id: age

            anchors.right: sign.left
            anchors.rightMargin: 10
            anchors.verticalCenter: parent.verticalCenter
            kind: Label.Caption
            text: delegate.row.age
        }

        Icon {
            id: sign

            anchors.right: parent.right
            anchors.rightMargin: 16
            anchors.verticalCenter: parent.verticalCenter
            name: "next"
            size: 22
        }
    }
}
