pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Confirm: what must be true, point by point; each point is ticked by hand where the step lists points.
StepBody {
    id: body

    readonly property var hints: step.hints ?? []
    property var ticked: []
    readonly property int open: hints.length - ticked.length

    primaryReady: (step.ready ?? true) && open <= 0 && !procedure.busy
    primaryNote: open > 0 ? qsTr("faltan %n puntos", "", open) : (step.notReady ?? "")
    answers: ({
            "confirmed": true
        })

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

            Repeater {
                model: body.hints

                ChoiceTile {
                    required property string modelData
                    required property int index

                    width: sheet.width
                    text: modelData
                    iconName: body.ticked.includes(index) ? "" : "circle"
                    chosen: body.ticked.includes(index)
                    Accessible.role: Accessible.CheckBox
                    onClicked: body.ticked = chosen ? body.ticked.filter(one => one !== index) : body.ticked.concat([index])
                }
            }

            Repeater {
                model: body.step.facts ?? []

                FactCard {
                    required property var modelData

                    width: sheet.width
                    fact: modelData
                }
            }
        }
    }
}
