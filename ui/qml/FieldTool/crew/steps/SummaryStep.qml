pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Summary: what was done, before the order is closed.
StepBody {
    id: body

    Flickable {
        anchors.fill: parent
        contentHeight: sheet.implicitHeight
        interactive: contentHeight > height
        boundsBehavior: Flickable.StopAtBounds
        clip: interactive

        Column {
            id: sheet

            width: parent.width
            spacing: Theme.gap16

            StepHead {
                width: parent.width
                step: body.step
            }

            Grid {
                id: facts

                width: parent.width
                columns: body.narrow ? 1 : 2
                spacing: Theme.gap16

                Repeater {
                    model: body.step.facts ?? []

                    FactCard {
                        required property var modelData

                        width: (facts.width - (facts.columns - 1) * Theme.gap16) / facts.columns
                        fact: modelData
                    }
                }
            }
        }
    }
}
