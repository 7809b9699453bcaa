import QtQuick
import FieldTool.theme

// That the office was asked and has not answered yet; nothing for what is answered at once.
Item {
    id: line

    property bool asking: false
    readonly property int patience: 400

    height: 4
    clip: true
    visible: false
    Accessible.role: Accessible.ProgressBar
    Accessible.name: qsTr("Preguntando a la oficina")
    onAskingChanged: {
        if (asking) {
            late.restart();
            return;
        }
        late.stop();
        visible = false;
    }

    Timer {
        id: late

        interval: line.patience
        onTriggered: line.visible = true
    }

    Rectangle {
        id: part

        width: Theme.reducedMotion ? line.width : line.width / 3
        height: parent.height
        color: Theme.action

        SequentialAnimation on x {
            running: line.visible && !Theme.reducedMotion
            loops: Animation.Infinite

            NumberAnimation {
                from: -line.width / 3
                to: line.width
                duration: 1400
            }
        }
    }
}
