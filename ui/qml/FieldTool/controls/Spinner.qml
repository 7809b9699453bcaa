import QtQuick
import FieldTool.theme

// Something is under way; still where motion is not wanted.
Icon {
    id: spinner

    name: "busy"
    color: Theme.action

    RotationAnimation on rotation {
        running: spinner.visible && !Theme.reducedMotion
        from: 0
        to: 360
        duration: 1000
        loops: Animation.Infinite
    }
}
