import QtQuick
import QtQuick.Templates as T
import FieldTool.theme
import FieldTool.controls

// A device of the stock: picked by a tap, with where it is and what was said last.
T.ItemDelegate {
    id: delegate

    required property var row
    property bool picked: false
    property bool firstRow: false

    readonly property RowList view: ListView.view as RowList
    readonly property bool wide: width >= 640

    enabled: row.movable
    checkable: false
    focusPolicy: Qt.NoFocus
    text: row.serial
    implicitHeight: Math.max(72, left.implicitHeight + 20, wide ? right.implicitHeight + 20 : 0)
    Accessible.role: Accessible.CheckBox
    Accessible.checked: picked
    Accessible.description: [row.detail, row.where, row.moved, row.reason].filter(part => part !== "").join(", ")

    background: Rectangle {
        color: delegate.down ? Theme.pressed : delegate.picked ? Theme.selection : "transparent"

        Hairline {
            visible: !delegate.firstRow
            width: parent.width
            height: 1
        }

        FocusRing {
            visible: delegate.ListView.isCurrentItem && delegate.view !== null && delegate.view.byKeyboard
            anchors.margins: 3
        }
    }

    contentItem: Item {
        Rectangle {
            id: box

            x: 20
            anchors.verticalCenter: parent.verticalCenter
            width: 28
            height: 28
            radius: 6
            visible: delegate.row.movable
            color: delegate.picked ? Theme.action : "transparent"
            border.width: 2
            border.color: delegate.picked ? Theme.action : Theme.edge

            Icon {
                visible: delegate.picked
                anchors.centerIn: parent
                name: "check"
                size: 22
                color: Theme.actionInk
            }
        }

        Icon {
            visible: !delegate.row.movable
            anchors.centerIn: box
            name: delegate.row.icon
            size: 24
            color: Theme.muted
        }

        Column {
            id: left

            x: 68
            anchors.verticalCenter: parent.verticalCenter
            width: delegate.wide ? (parent.width - x - 20) / 2 - Theme.gap12 : parent.width - x - 20
            spacing: 2

            Label {
                width: parent.width
                strong: true
                text: delegate.row.serial
                wrapMode: Text.WrapAnywhere
            }

            Label {
                width: parent.width
                color: Theme.muted
                text: delegate.wide ? delegate.row.detail : delegate.row.where
                wrapMode: Text.Wrap
            }
        }

        Column {
            id: right

            visible: delegate.wide
            x: left.x + left.width + Theme.gap24
            anchors.verticalCenter: parent.verticalCenter
            width: parent.width - x - 20
            spacing: 2

            Label {
                width: parent.width
                text: delegate.row.where
                wrapMode: Text.Wrap
            }

            Label {
                visible: text !== ""
                width: parent.width
                color: Theme.muted
                text: [delegate.row.moved, delegate.row.reason].filter(part => part !== "").join(" · ")
                wrapMode: Text.Wrap
            }
        }
    }
}
