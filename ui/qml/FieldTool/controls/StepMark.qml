import QtQuick
import FieldTool.theme

// State of a step as a round mark: number, tick, cross, lock.
Rectangle {
    id: mark

    property string stepState: "open"
    property int number: 0

    readonly property bool solid: stepState === "current" || stepState === "failed"
    readonly property color tone: {
        if (stepState === "done")
            return Theme.good;
        if (stepState === "failed")
            return Theme.wrong;
        return stepState === "current" ? Theme.action : Theme.edge;
    }

    implicitWidth: 32
    implicitHeight: 32
    radius: 16
    color: solid ? tone : "transparent"
    border.width: 2
    border.color: tone

    Icon {
        visible: mark.stepState === "done" || mark.stepState === "failed" || mark.stepState === "skipped"
        anchors.centerIn: parent
        name: mark.stepState === "done" ? "check" : mark.stepState === "failed" ? "cross" : "minus"
        size: 18
        color: mark.stepState === "failed" ? Theme.meaningInk : mark.tone
    }

    Label {
        visible: mark.stepState === "open" || mark.stepState === "locked" || mark.stepState === "current"
        anchors.centerIn: parent
        font.weight: Font.Bold
        font.pixelSize: 15
        color: mark.solid ? Theme.actionInk : Theme.ink
        text: mark.number
    }
}
