import QtQuick
import QtQuick.Templates as T
import FieldTool.theme

// A filter that is set, in words; a tap takes it away.
T.AbstractButton {
    id: chip

    implicitHeight: 56
    implicitWidth: words.implicitWidth + 68
    focusPolicy: Qt.StrongFocus
    Accessible.name: text
    Accessible.description: qsTr("Quitar filtro")
    Keys.onReturnPressed: clicked()
    Keys.onEnterPressed: clicked()
    Keys.onDeletePressed: clicked()

    background: Rectangle {
        radius: height / 2
        color: chip.down ? Theme.pressed : Theme.selection
        border.width: 1
        border.color: Theme.edge

        FocusRing {
            visible: chip.visualFocus
        }
    }

    contentItem: Item {
        Label {
            id: words

            x: 20
            width: parent.width - 68
            anchors.verticalCenter: parent.verticalCenter
            strong: true
            text: chip.text
            elide: Text.ElideRight
            mayElide: true
        }

        Icon {
            anchors.right: parent.right
            anchors.rightMargin: 16
            anchors.verticalCenter: parent.verticalCenter
            name: "cross"
            size: 22
        }
    }
}
