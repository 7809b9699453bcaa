import QtQuick
import QtQuick.Templates as T
import FieldTool.theme

// One position of a panel: free, expected (where the order wants it), ours, taken by another meter, unread, not ours,
// good (read, and right there).
T.AbstractButton {
    id: tile

    property string detail: ""
    property string slotState: "free"
    property bool chosen: false
    property string freeWord: qsTr("libre")
    property string expectedWord: qsTr("prevista")

    readonly property bool unread: slotState === "unread"
    readonly property bool foreign: slotState === "foreign"
    readonly property bool good: slotState === "good"
    readonly property bool taken: slotState === "taken"
    readonly property bool mine: chosen && !taken
    readonly property string word: {
        if (detail !== "" && (taken || mine || unread || foreign || good))
            return detail;
        if (slotState === "expected" && !chosen)
            return expectedWord;
        return taken || mine ? "" : freeWord;
    }
    readonly property string sign: {
        if (unread)
            return "unknown";
        if (foreign)
            return "cross";
        if (good)
            return "check";
        if (mine)
            return "target";
        return taken ? "meter" : slotState === "expected" ? "flag" : "";
    }
    // A panel of many columns: the same signs, closer.
    readonly property bool tight: width < 76
    readonly property string tone: unread ? "attention" : foreign ? "wrong" : ""

    implicitWidth: 84
    implicitHeight: 96
    Accessible.name: text + " " + word
    Keys.onReturnPressed: clicked()
    Keys.onEnterPressed: clicked()

    background: Item {
        Rectangle {
            visible: !tile.unread
            anchors.fill: parent
            radius: Theme.radius
            color: tile.foreign ? Theme.wrongTint : tile.mine ? Theme.selection : tile.down ? Theme.pressed : tile.taken ? Theme.ground : Theme.surface
            border.width: tile.foreign || tile.chosen ? 3 : tile.taken ? 1 : 2
            border.color: tile.foreign ? Theme.wrong : tile.mine ? Theme.action : tile.chosen ? Theme.attention : tile.taken ? Theme.line : Theme.edge
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
            x: tile.tight ? 6 : 10
            y: 8
            kind: Label.Caption
            color: tile.tone === "" ? Theme.muted : Theme.tone(tile.tone)
            text: tile.text
        }

        Icon {
            visible: tile.sign !== ""
            anchors.right: parent.right
            anchors.rightMargin: tile.tight ? 4 : 8
            y: 6
            name: tile.sign
            size: tile.tight ? 20 : 22
            color: tile.tone !== "" ? Theme.tone(tile.tone) : tile.good ? Theme.tone("good") : tile.mine ? Theme.action : Theme.muted
        }

        Label {
            x: tile.tight ? 6 : 10
            anchors.bottom: parent.bottom
            anchors.bottomMargin: 10
            readonly property bool figures: tile.word === tile.detail && !tile.unread

            width: parent.width - x - 4
            font.pixelSize: {
                if (tile.tight)
                    return figures ? Theme.body : Theme.caption;
                return figures ? Theme.title : Theme.body;
            }
            // A word may take two lines where the tile is narrow.
            wrapMode: tile.tight && !figures ? Text.WordWrap : Text.NoWrap
            maximumLineCount: wrapMode === Text.WordWrap ? 2 : 1
            font.weight: tile.mine || tile.good || tile.tone !== "" ? Font.DemiBold : Font.Normal
            font.features: Theme.serialFigures
            font.letterSpacing: figures && !tile.tight ? 1 : 0
            color: tile.tone !== "" ? Theme.tone(tile.tone) : tile.mine || tile.good ? Theme.ink : Theme.muted
            text: tile.word
            elide: Text.ElideRight
        }
    }
}
