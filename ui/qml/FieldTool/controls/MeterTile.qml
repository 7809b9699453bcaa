import QtQuick
import QtQuick.Templates as T
import FieldTool.theme

// A meter of a panel during a run: slot, the end of its serial, and how it stands in a word with an icon.
T.AbstractButton {
    id: tile

    property string word: ""
    property string detail: ""
    property string iconName: ""
    property string tone: ""
    // The probe is at it now.
    property bool here: false
    // A person says that the probe is at it.
    property bool said: false

    readonly property color ink: tone === "" ? Theme.muted : Theme.tone(tone)

    implicitWidth: 124
    implicitHeight: 104
    focusPolicy: Qt.StrongFocus
    Accessible.name: text + " " + word
    Keys.onReturnPressed: clicked()
    Keys.onEnterPressed: clicked()

    background: Item {
        Rectangle {
            anchors.fill: parent
            radius: Theme.radius
            color: tile.down ? Theme.pressed : tile.here && tile.tone === "" ? Theme.selection : Theme.tint(tile.tone)
            border.width: tile.here ? 3 : tile.tone === "" ? 1 : 2
            border.color: tile.here ? Theme.ink : tile.tone === "" ? Theme.edge : tile.ink
        }

        DashedFrame {
            visible: tile.said
            anchors.fill: parent
            anchors.margins: 5
            stroke: Theme.action
            lineWidth: 2
        }

        FocusRing {
            visible: tile.visualFocus
            anchors.margins: -3
        }
    }

    contentItem: Item {
        Label {
            x: 12
            y: 8
            kind: Label.Title
            text: tile.text
        }

        Icon {
            anchors.right: parent.right
            anchors.rightMargin: 10
            y: 10
            name: tile.iconName
            size: 24
            color: tile.ink
        }

        Label {
            x: 12
            anchors.bottom: status.top
            anchors.bottomMargin: 2
            strong: true
            font.features: Theme.serialFigures
            font.letterSpacing: 1
            text: tile.detail === "" ? "" : "…" + tile.detail
        }

        Label {
            id: status

            x: 12
            anchors.bottom: parent.bottom
            anchors.bottomMargin: 8
            width: parent.width - 20
            strong: tile.tone !== ""
            color: tile.ink
            text: tile.word
        }
    }
}
