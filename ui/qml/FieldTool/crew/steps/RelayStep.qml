pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Relay test: dangerous, so the last four figures of the serial and a press of 1.5 s.
StepBody {
    id: body

    DangerConfirm {
        anchors.fill: parent
        narrow: body.narrow
        focus: true
        serial: body.step.serial ?? ""
        iconName: "relay"
        actionText: qsTr("Abrir y cerrar el relé")
        busy: body.procedure.busy
        onConfirmed: figures => body.procedure.act("relay", {
            "confirmation": figures
        })

        StepHead {
            width: parent.width
            step: body.step
        }

        Card {
            width: parent.width
            height: 88

            Label {
                x: 24
                anchors.verticalCenter: parent.verticalCenter
                color: Theme.muted
                text: qsTr("Prueba del relé")
            }

            Label {
                anchors.right: parent.right
                anchors.rightMargin: 24
                anchors.verticalCenter: parent.verticalCenter
                kind: Label.Value
                text: body.step.relayState ?? ""
            }
        }

        RecordingLine {
            width: parent.width
            procedure: body.procedure
            recording: body.step.recording ?? ""
        }
    }
}
