pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Meter read: put the probe on, read, see what was read. Cancelling changes nothing in the meter.
StepBody {
    id: body

    readonly property bool read: (step.facts ?? []).length > 0
    readonly property bool reading: (step.progressText ?? "") !== ""

    primaryText: read || reading ? (step.primary || qsTr("Seguir")) : qsTr("Leer medidor")
    primaryIcon: read || reading ? "forward" : "optical"
    extras: read ? [
        {
            "key": "read",
            "text": qsTr("Leer otra vez"),
            "icon": "sync"
        }
    ] : []
    onExtra: key => body.procedure.act(key, {})

    function accept(): void {
        if (body.read)
            body.procedure.accept({});
        else
            body.procedure.act("read", {});
    }

    Flickable {
        id: scroller

        anchors.fill: parent
        anchors.rightMargin: -Theme.gap16
        contentHeight: sheet.implicitHeight
        interactive: contentHeight > height
        boundsBehavior: Flickable.StopAtBounds
        clip: interactive

        Column {
            id: sheet

            width: scroller.width - Theme.gap16
            spacing: Theme.gap16

            StepHead {
                width: parent.width
                step: body.step
            }

            FailureNote {
                width: parent.width
                failure: ({
                        "message": body.step.error ?? "",
                        "hint": body.step.errorHint ?? "",
                        "code": body.step.errorCode ?? ""
                    })
                actionText: qsTr("Probar otra vez")
                onAction: body.procedure.act("read", {})
            }

            Card {
                visible: (body.step.serial ?? "") !== ""
                width: parent.width
                height: 88

                Icon {
                    x: 24
                    anchors.verticalCenter: parent.verticalCenter
                    name: "optical"
                    size: 28
                    color: Theme.muted
                }

                SerialText {
                    x: 72
                    anchors.verticalCenter: parent.verticalCenter
                    text: body.step.serial ?? ""
                }
            }

            Card {
                visible: body.reading
                width: parent.width
                height: 88

                Label {
                    x: 24
                    y: 16
                    kind: Label.Title
                    text: body.step.progressText
                }

                Label {
                    visible: body.step.secondsLeft >= 0
                    anchors.right: parent.right
                    anchors.rightMargin: 24
                    y: 16
                    kind: Label.Title
                    text: qsTr("Quedan %1 s").arg(body.step.secondsLeft)
                }

                ProgressLine {
                    x: 24
                    y: 54
                    width: parent.width - 48
                    value: body.step.progress ?? 0
                }
            }

            Grid {
                id: values

                visible: body.read
                width: parent.width
                columns: body.narrow ? 2 : 3
                spacing: Theme.gap12

                Repeater {
                    model: body.step.facts ?? []

                    FactCard {
                        required property var modelData

                        width: (values.width - (values.columns - 1) * Theme.gap12) / values.columns
                        fact: modelData
                    }
                }
            }

            RecordingLine {
                width: parent.width
                procedure: body.procedure
                recording: body.step.recording ?? ""
            }
        }

        ScrollMark {
            view: scroller
        }
    }
}
