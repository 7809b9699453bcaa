pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Text: a note; ready-made words spare typing.
StepBody {
    id: body

    answers: ({
            "text": words.text.trim()
        })

    Column {
        width: parent.width
        spacing: Theme.gap16

        StepHead {
            width: parent.width
            step: body.step
        }

        TextBox {
            id: words

            width: parent.width
            height: 200
            focus: true
            text: body.step.value ?? ""
            placeholderText: qsTr("Escriba aquí, o toque una de abajo")
        }

        Flow {
            width: parent.width
            spacing: Theme.gap16

            Repeater {
                model: body.step.hints ?? []

                ActionButton {
                    required property string modelData

                    text: modelData
                    iconName: "plus"
                    onClicked: words.text = words.text.trim() === "" ? modelData : words.text.trim() + ". " + modelData
                }
            }
        }
    }
}
