pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Photo: what must be visible beside the live picture; taken, it is looked at before it counts.
StepBody {
    id: body

    readonly property bool taken: step.value === "taken"

    primaryText: taken ? (step.primary || qsTr("Guardar la foto")) : qsTr("Tomar la foto")
    primaryIcon: taken ? "check" : "camera"
    primaryReady: (step.ready ?? true) && !procedure.busy
    primaryNote: step.notReady ?? ""
    extras: taken ? [
        {
            "key": "retake",
            "text": qsTr("Otra foto"),
            "icon": "camera"
        }
    ] : []
    onExtra: key => body.procedure.act(key, {})

    function accept(): void {
        if (body.taken)
            body.procedure.accept({});
        else
            body.procedure.act("photo", {});
    }

    Viewfinder {
        id: finder

        width: body.narrow ? parent.width : parent.width - 320 - Theme.gap24
        height: Math.min(width * ratio, body.narrow ? parent.height - side.implicitHeight - Theme.gap24 : parent.height)
        source: body.step.picture ?? ""
        live: body.step.live === true
    }

    Column {
        id: side

        x: body.narrow ? 0 : parent.width - width
        y: body.narrow ? finder.height + Theme.gap24 : 0
        width: body.narrow ? parent.width : 320
        spacing: Theme.gap16

        StepHead {
            width: parent.width
            step: body.step
        }

        Repeater {
            model: body.step.hints ?? []

            Row {
                id: hint

                required property string modelData

                width: side.width
                spacing: Theme.gap12

                Icon {
                    id: hintIcon

                    name: "review"
                    size: 24
                    color: Theme.muted
                }

                Label {
                    width: parent.width - hintIcon.width - Theme.gap12
                    font.pixelSize: 18
                    strong: true
                    text: hint.modelData
                    wrapMode: Text.WordWrap
                }
            }
        }

        PositionLine {
            width: parent.width
            step: body.step
            procedure: body.procedure
        }
    }
}
