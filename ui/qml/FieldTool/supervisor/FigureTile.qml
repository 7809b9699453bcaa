import QtQuick
import QtQuick.Templates as T
import FieldTool.theme
import FieldTool.controls

// One figure that matters; opens the list behind it.
T.AbstractButton {
    id: tile

    required property var figure

    implicitHeight: 108
    Accessible.name: figure.label + ": " + figure.value + " " + figure.share
    Accessible.description: figure.detail
    Keys.onReturnPressed: clicked()
    Keys.onEnterPressed: clicked()

    background: Card {
        color: tile.down ? Theme.pressed : Theme.surface

        FocusRing {
            visible: tile.visualFocus
        }
    }

    contentItem: Item {
        Row {
            x: 16
            y: 12
            spacing: Theme.gap8

            Icon {
                visible: tile.figure.icon !== ""
                anchors.verticalCenter: parent.verticalCenter
                name: tile.figure.icon
                size: 22
                color: Theme.tone(tile.figure.tone)
            }

            Label {
                anchors.verticalCenter: parent.verticalCenter
                width: Math.min(implicitWidth, tile.width - 44 - (tile.figure.icon !== "" ? 30 : 0))
                color: Theme.muted
                text: tile.figure.label
                elide: Text.ElideRight
            }
        }

        Icon {
            anchors.right: parent.right
            anchors.rightMargin: 12
            y: 14
            name: "next"
            size: 20
        }

        Label {
            id: value

            x: 16
            y: 36
            kind: Label.Value
            text: tile.figure.value
        }

        Label {
            x: value.x + value.width + 8
            anchors.baseline: value.baseline
            width: tile.width - x - 8
            color: Theme.muted
            text: tile.figure.share
            elide: Text.ElideRight
        }

        Label {
            x: 16
            y: 76
            width: tile.width - 24
            font.pixelSize: Theme.caption
            text: tile.figure.detail
            elide: Text.ElideRight
        }
    }
}
