pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Signature: the customer signs; if they refuse or are absent, a witness does, by name.
StepBody {
    id: body

    property string outcome: "signed"
    readonly property bool bySelf: outcome === "signed"
    // Somebody who is not the customer may leave it unsigned; then nobody signs for them.
    readonly property bool unsigned: step.optional === true && !bySelf
    // Whoever signs in another role says who they are.
    readonly property bool byOther: (step.role ?? "") !== "" && bySelf
    readonly property bool nameMissing: (byOther || (!bySelf && !unsigned)) && who.text.trim() === ""

    primaryReady: !procedure.busy && !nameMissing && (pad.signed || !bySelf)
    primaryNote: nameMissing ? byOther ? qsTr("falta el nombre de quien firma") : qsTr("diga quién es testigo") : !pad.signed && bySelf ? qsTr("falta la firma") : ""
    answers: ({
            "outcome": body.outcome,
            "name": body.byOther ? who.text.trim() : body.bySelf ? (body.step.signer ?? "") : "",
            "witness": body.bySelf || body.unsigned ? "" : who.text.trim(),
            "strokes": pad.strokes,
            "width": Math.round(pad.width),
            "height": Math.round(pad.height)
        })

    Column {
        id: head

        width: parent.width
        spacing: Theme.gap12

        StepHead {
            width: parent.width
            step: body.step
        }

        Row {
            id: outcomes

            width: parent.width
            spacing: Theme.gap12

            Repeater {
                model: body.step.choices ?? []

                ChoiceTile {
                    required property var modelData

                    width: (outcomes.width - (body.step.choices.length - 1) * Theme.gap12) / body.step.choices.length
                    text: modelData.title
                    iconName: body.narrow ? "" : modelData.icon
                    chosen: body.outcome === modelData.key
                    onClicked: body.outcome = modelData.key
                }
            }
        }

        InputField {
            id: who

            visible: body.byOther || (!body.bySelf && !body.unsigned)
            width: parent.width
            iconName: "person"
            placeholderText: body.byOther ? qsTr("Nombre de quien firma") : qsTr("Nombre del testigo")
        }
    }

    SignaturePad {
        id: pad

        visible: !body.unsigned
        y: head.implicitHeight + Theme.gap12
        width: parent.width
        height: parent.height - y
        signer: body.bySelf && !body.byOther ? (body.step.signer ?? "") : who.text.trim()
    }
}
