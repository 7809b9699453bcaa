import QtQuick
import FieldTool.theme
import FieldTool.controls

// Where the crew is: one line that says how it stands, and looks again on a tap. Nothing waits for it.
Item {
    id: line

    required property var step
    required property var procedure

    readonly property string kind: step.positionState ?? ""
    readonly property bool searching: kind === "searching"
    readonly property bool again: kind === "none" || kind === "attention"
    readonly property bool narrow: width < 480

    visible: kind !== ""
    // Always as high as with its button: what stands beside it must not move under a finger.
    implicitHeight: visible ? Math.max(words.implicitHeight, Theme.target) : 0
    Accessible.role: Accessible.StaticText
    Accessible.name: (step.positionText ?? "") + ". " + (step.positionDetail ?? "")

    Spinner {
        id: spinner

        visible: line.searching
        anchors.verticalCenter: parent.verticalCenter
        width: 28
        height: 28
    }

    Icon {
        visible: !line.searching
        anchors.verticalCenter: parent.verticalCenter
        name: line.kind === "attention" ? "attention" : "place"
        size: 28
        color: line.kind === "attention" ? Theme.tone("attention") : line.kind === "good" ? Theme.ink : Theme.muted
    }

    Column {
        id: words

        x: 28 + Theme.gap16
        anchors.verticalCenter: parent.verticalCenter
        width: parent.width - x - (line.again ? retry.width + Theme.gap16 : 0)
        spacing: 2

        Label {
            width: parent.width
            strong: true
            color: line.kind === "attention" ? Theme.tone("attention") : Theme.ink
            text: line.step.positionText ?? ""
            wrapMode: Text.WordWrap
        }

        Label {
            visible: text !== ""
            width: parent.width
            kind: Label.Caption
            text: line.step.positionDetail ?? ""
            wrapMode: Text.WordWrap
        }
    }

    ActionButton {
        id: retry

        visible: line.again
        anchors.right: parent.right
        anchors.verticalCenter: parent.verticalCenter
        width: line.narrow ? Theme.target : 240
        text: line.narrow ? "" : qsTr("Buscar otra vez")
        Accessible.name: qsTr("Buscar otra vez")
        iconName: "retry"
        onClicked: line.procedure.act("position", {})
    }
}
