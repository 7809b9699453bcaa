pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Confirm: what must be true, point by point, beside what the order says of the place.
StepBody {
    id: body

    primaryReady: (step.ready ?? true) && tiles.open === 0 && !procedure.busy
    primaryNote: tiles.open > 0 ? qsTr("faltan %n puntos", "", tiles.open) : (step.notReady ?? "")
    answers: ({
            "checks": tiles.values
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

            FactStrip {
                visible: (body.step.facts ?? []).length > 0
                width: parent.width
                facts: body.step.facts ?? []
            }

            CheckTiles {
                id: tiles

                width: parent.width
                procedure: body.procedure
                checks: body.step.checks ?? []
            }

            PositionLine {
                width: parent.width
                step: body.step
                procedure: body.procedure
            }
        }

        ScrollMark {
            view: scroller
        }
    }
}
