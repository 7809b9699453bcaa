pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Signature: what is signed, who signs, a field to sign in; refused and absent are answers too.
StepBody {
    id: body

    property string instead: ""
    readonly property var choice: (step.choices ?? []).find(one => one.key === instead) ?? ({})
    readonly property bool noteMissing: choice.needsNote === true && words.text.trim() === ""

    primaryReady: !procedure.busy && (instead !== "" ? !noteMissing : pad.signed)
    primaryNote: instead !== "" ? qsTr("diga quién es testigo") : qsTr("falta la firma")
    primaryText: instead !== "" ? qsTr("Seguir sin firma") : (step.primary ?? "")
    answers: ({
            "strokes": body.instead === "" ? pad.strokes : [],
            "width": Math.round(pad.width),
            "height": Math.round(pad.height),
            "outcome": body.instead === "" ? "signed" : body.instead,
            "note": words.text.trim()
        })
    extras: body.instead !== "" ? [
        {
            "key": "",
            "text": qsTr("Sí firma"),
            "icon": "sign"
        }
    ] : (step.choices ?? []).map(one => ({
                "key": one.key,
                "text": one.title,
                "icon": one.icon
            }))
    onExtra: key => body.instead = key

    Column {
        id: head

        width: parent.width
        spacing: Theme.gap12

        StepHead {
            width: parent.width
            step: body.step
        }
    }

    SignaturePad {
        id: pad

        visible: body.instead === ""
        y: head.implicitHeight + Theme.gap16
        width: parent.width
        height: parent.height - y
        signer: body.step.signer ?? ""
    }

    TextBox {
        id: words

        visible: body.instead !== ""
        y: head.implicitHeight + Theme.gap16
        width: parent.width
        placeholderText: qsTr("Testigo y qué pasó (hace falta)")
    }
}
