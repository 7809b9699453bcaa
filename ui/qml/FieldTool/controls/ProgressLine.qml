import QtQuick
import FieldTool.theme

// How far a job is; `marker` (0–1) shows a goal.
Rectangle {
    id: line

    property real value: 0
    property real marker: -1

    implicitHeight: 12
    radius: height / 2
    color: Theme.ground
    border.width: 1
    border.color: Theme.edge
    Accessible.role: Accessible.ProgressBar
    Accessible.name: Math.round(value * 100) + " %"

    Rectangle {
        x: 1
        y: 1
        height: parent.height - 2
        width: Math.max(0, (parent.width - 2) * Math.min(1, line.value))
        radius: height / 2
        color: Theme.action
        topRightRadius: line.value >= 1 ? radius : 0
        bottomRightRadius: line.value >= 1 ? radius : 0

        Behavior on width {
            NumberAnimation {
                duration: Theme.slow
            }
        }
    }

    Rectangle {
        visible: line.marker >= 0
        x: line.marker * parent.width - 1
        anchors.verticalCenter: parent.verticalCenter
        width: 3
        height: 22
        color: Theme.ink
    }
}
