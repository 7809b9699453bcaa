pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Value: an address, a card's number, a ratio; typed, or read by a scanner that types. Where the order says
// something else, a reason goes with it.
StepBody {
    id: body

    readonly property string given: words.text.trim()
    readonly property var reasons: step.reasons ?? []
    readonly property bool doubtful: reasons.length > 0 && (procedure.failure.message ?? "") !== ""
    property string reason: ""

    primaryReady: (given !== "" || step.optional === true) && (!doubtful || reason !== "") && !procedure.busy
    primaryNote: given === "" && step.optional !== true ? qsTr("escriba el valor") : doubtful && reason === "" ? qsTr("diga por qué") : (step.notReady ?? "")
    answers: ({
            "value": body.given,
            "reason": body.doubtful ? body.reason : ""
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

            InputField {
                id: words

                width: parent.width
                focus: true
                clearable: true
                iconName: "edit"
                font.features: Theme.serialFigures
                text: body.step.value ?? ""
                placeholderText: qsTr("Escriba o escanee aquí")
                inputMethodHints: Qt.ImhNoAutoUppercase | Qt.ImhNoPredictiveText
            }

            FactStrip {
                visible: (body.step.facts ?? []).length > 0
                width: parent.width
                facts: body.step.facts ?? []
            }

            Repeater {
                model: body.doubtful ? body.reasons : []

                ChoiceTile {
                    required property var modelData

                    width: sheet.width
                    implicitHeight: 64
                    text: modelData.title
                    chosen: body.reason === modelData.key
                    onClicked: body.reason = modelData.key
                }
            }
        }
    }

    ScrollMark {
        view: scroller
    }
}
