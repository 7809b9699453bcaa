import QtQuick
import QtQuick.Templates as T
import FieldTool.theme

// One position of a panel.
T.AbstractButton {
    id: tile

    property string detail: ""
    property string slotState: "free"
    property bool chosen: false

    readonly property bool unread: slotState === "unread"
    readonly property bool foreign: slotState === "foreign"
    readonly property string tone: unread ? "attention" : foreign ? "wrong" : ""

    implicitWidth: 84
    implicitHeight: 96
    Accessible.name: text + " " + detail
    Keys.onReturnPressed: clicked()

    background: Item {
        Rectangle {
            visible: !tile.unread
            anchors.fill: parent
            radius: Theme.radius
            color: tile.foreign ? Theme.wrongTint : tile.chosen ? Theme.selection : tile.down ? Theme.pressed : Theme.surface
            border.width: tile.foreign || tile.chosen ? 3 : 1
            border.color: tile.foreign ? Theme.wrong : tile.chosen ? Theme.action : Theme.edge
        }

        DashedFrame {
            visible: tile.unread
            anchors.fill: parent
            stroke: Theme.attention
            fill: Theme.attentionTint
            lineWidth: 2.5
        }

        FocusRing {
            visible: tile.visualFocus
            anchors.margins: -3
        }
    }

    contentItem: Item {
        Label {
            x: 10
            y: 8
            kind: Label.Caption
            color: tile.tone === "" ? Theme.muted : Theme.tone(tile.tone)
            text: tile.text
        }

        Icon {
            visible: tile.slotState !== "free"
            anchors.right: parent.right
            anchors.rightMargin: 8
            y: 6
            name: tile.unread ? "unknown" : tile.foreign ? "cross" : tile.chosen ? "target" : "check"
            size: 22
            color: tile.tone !== "" ? Theme.tone(tile.tone) : tile.chosen ? Theme.action : Theme.good
        }

        Label {
            x: 10
            anchors.bottom: parent.bottom
            anchors.bottomMargin: 10
            font.pixelSize: tile.unread ? Theme.body : Theme.title
            font.weight: Font.DemiBold
            font.features: Theme.serialFigures
            font.letterSpacing: tile.unread ? 0 : 1
            color: tile.tone === "" ? Theme.ink : Theme.tone(tile.tone)
            text: tile.detail
        }
    }
}
