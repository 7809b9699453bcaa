import QtQuick
import FieldTool.theme
import FieldTool.controls

// Join check: joined, pending with a time, failed with the next thing to try.
StepBody {
    id: body

    function accept(): void {
        if (body.step.value === "join")
            body.procedure.act("join", {});
        else
            body.procedure.accept({});
    }

    extras: body.step.value === "join" || body.step.tone === "good" ? [] : [
        {
            "key": "join",
            "text": qsTr("Preguntar otra vez"),
            "icon": "sync"
        }
    ]
    onExtra: key => body.procedure.act(key, {})

    Column {
        width: parent.width
        spacing: Theme.gap16

        VerdictBand {
            width: parent.width
            tone: body.step.tone || "attention"
            iconName: body.step.tone === "good" ? "join" : body.step.tone === "wrong" ? "joinFailed" : "waiting"
            text: body.step.verdict ?? ""
            detail: body.step.verdictDetail ?? ""
        }

        FactStrip {
            visible: (body.step.facts ?? []).length > 0
            width: parent.width
            facts: body.step.facts ?? []
        }

        Label {
            visible: text !== ""
            width: parent.width
            kind: Label.Title
            font.weight: Font.Normal
            color: Theme.muted
            text: body.step.text ?? ""
            wrapMode: Text.WordWrap
        }

        RecordingLine {
            width: parent.width
            procedure: body.procedure
            recording: body.step.recording ?? ""
        }
    }
}
