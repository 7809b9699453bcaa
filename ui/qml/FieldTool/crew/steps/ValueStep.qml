pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Value: an address, a card's number, a ratio; typed, or read by a scanner that types. Where the order says
// something else, a reason goes with it, and what the reason asks for.
StepBody {
    id: body

    readonly property string given: words.text.trim()
    readonly property var reasons: step.reasons ?? []
    readonly property bool refused: reasons.length > 0 && (procedure.failure.message ?? "") !== ""
    // Once refused, this value needs a reason, also while its photo is taken.
    property bool doubtful: false
    property string reason: ""
    readonly property var chosen: reasons.find(one => one.key === reason) ?? ({})
    readonly property bool photoMissing: chosen.needsPhoto === true && (step.photos ?? []).length === 0
    readonly property bool noteMissing: chosen.needsNote === true && note.text.trim() === ""
    readonly property bool explained: !doubtful || (reason !== "" && !photoMissing && !noteMissing)

    onRefusedChanged: if (refused) doubtful = true

    primaryReady: (given !== "" || step.optional === true) && explained && !procedure.busy
    primaryNote: {
        if (given === "" && step.optional !== true)
            return qsTr("escriba el valor");
        if (doubtful && reason === "")
            return qsTr("diga por qué");
        if (doubtful && noteMissing)
            return qsTr("falta contar qué pasó");
        if (doubtful && photoMissing)
            return qsTr("falta la foto");
        return step.notReady ?? "";
    }
    answers: ({
            "value": body.given,
            "reason": body.doubtful ? body.reason : "",
            "note": body.doubtful && body.chosen.needsNote === true ? note.text.trim() : ""
        })

    Flickable {
        id: scroller

        anchors.fill: parent
        anchors.rightMargin: -Theme.gap16
        contentHeight: sheet.implicitHeight
        interactive: contentHeight > height
        boundsBehavior: Flickable.StopAtBounds
        clip: interactive
        // What a reason asks for stands below it, and often below the edge.
        onContentHeightChanged: if (body.doubtful && body.reason !== "") contentY = Math.max(0, contentHeight - height)

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
                placeholderText: qsTr("Escriba o escanee aquí")
                inputMethodHints: Qt.ImhNoAutoUppercase | Qt.ImhNoPredictiveText
                // Bound, it would lose what was typed to the step that comes back with a photo.
                Component.onCompleted: text = body.step.value ?? ""
                onTextEdited: {
                    body.doubtful = false;
                    body.reason = "";
                }
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

            ActionButton {
                visible: body.doubtful && body.chosen.needsPhoto === true
                width: parent.width
                height: Theme.target
                text: body.photoMissing ? qsTr("Tomar foto") : qsTr("Foto tomada")
                note: body.photoMissing ? qsTr("hace falta") : ""
                iconName: body.photoMissing ? "camera" : "good"
                onClicked: body.procedure.act("photo", {
                    "what": body.reason
                })
            }

            TextBox {
                id: note

                visible: body.doubtful && body.chosen.needsNote === true
                width: parent.width
                placeholderText: qsTr("Qué pasó, en pocas palabras (hace falta)")
            }
        }
    }

    ScrollMark {
        view: scroller
    }
}
