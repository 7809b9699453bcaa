pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Summary: what was done, the last points to confirm, a remark for the record.
StepBody {
    id: body

    primaryReady: (step.ready ?? true) && tiles.open === 0 && !procedure.busy
    primaryNote: tiles.open > 0 ? qsTr("faltan %n puntos", "", tiles.open) : (step.notReady ?? "")
    answers: ({
            "checks": tiles.values,
            "remark": remark.text.trim()
        })

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

            CheckTiles {
                id: tiles

                width: parent.width
                procedure: body.procedure
                checks: body.step.checks ?? []
            }

            Grid {
                id: facts

                width: parent.width
                columns: body.narrow ? 1 : 2
                spacing: Theme.gap12

                Repeater {
                    model: body.step.facts ?? []

                    FactCard {
                        required property var modelData

                        width: (facts.width - (facts.columns - 1) * Theme.gap12) / facts.columns
                        fact: modelData
                    }
                }
            }

            TextBox {
                id: remark

                width: parent.width
                height: 104
                placeholderText: qsTr("Observación para el acta, si hace falta")
            }
        }

        ScrollMark {
            view: scroller
        }
    }
}
