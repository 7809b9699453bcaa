pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// The other way out of a step: a reason, with the note, photo and PIN that it asks for.
StepBody {
    id: body

    property string choice: (step.otherwise ?? []).length === 1 ? step.otherwise[0].key : ""
    readonly property var chosen: (step.otherwise ?? []).find(one => one.key === choice) ?? ({})
    readonly property var people: step.otherwisePeople ?? []
    property string person: people.length > 0 ? people[0].key : ""
    readonly property bool photoMissing: chosen.needsPhoto === true && (step.photos ?? []).length === 0
    readonly property bool noteMissing: chosen.needsNote === true && words.text.trim() === ""
    readonly property bool pinMissing: step.otherwisePin === true && pad.text.length < 6

    allExtras: []
    primaryText: qsTr("Guardar")
    primaryIcon: "check"
    primaryReady: choice !== "" && !photoMissing && !noteMissing && !pinMissing && !procedure.busy
    primaryNote: {
        if (choice === "")
            return qsTr("elija el motivo");
        if (photoMissing)
            return qsTr("falta la foto");
        if (noteMissing)
            return qsTr("falta contar qué pasó");
        return pinMissing ? qsTr("falta el PIN") : "";
    }
    answers: ({
            "otherwise": body.choice,
            "note": words.text.trim(),
            "person": body.person,
            "pin": pad.text
        })

    function accept(): void {
        const action = body.step.otherwiseAction ?? "";
        if (action === "")
            body.procedure.accept(body.answers);
        else
            body.procedure.act(action, body.answers);
        body.closeSheet();
    }

    Flickable {
        id: scroller

        width: parent.width - (pad.visible && !body.narrow ? pad.width + Theme.gap16 : -Theme.gap16)
        height: parent.height - (pad.visible && body.narrow ? pad.height + Theme.gap16 : 0)
        contentHeight: sheet.implicitHeight
        interactive: contentHeight > height
        boundsBehavior: Flickable.StopAtBounds
        clip: interactive

        Column {
            id: sheet

            width: scroller.width - Theme.gap16
            spacing: Theme.gap16

            Label {
                width: parent.width
                kind: Label.Value
                text: (body.step.otherwiseTitle ?? "").replace("…", "")
                wrapMode: Text.WordWrap
            }

            // Two beside each other where there is room: what a choice asks for should be seen under it.
            Grid {
                id: choices

                width: parent.width
                columns: sheet.width >= 760 && (body.step.otherwise ?? []).length > 1 ? 2 : 1
                spacing: Theme.gap16

                Repeater {
                    model: body.step.otherwise ?? []

                    ChoiceTile {
                        required property var modelData

                        width: (choices.width - (choices.columns - 1) * Theme.gap16) / choices.columns
                        text: modelData.title
                        detail: modelData.detail
                        iconName: modelData.icon
                        chosen: body.choice === modelData.key
                        onClicked: body.choice = modelData.key
                    }
                }
            }

            ActionButton {
                visible: body.chosen.needsPhoto === true
                width: parent.width
                text: body.photoMissing ? qsTr("Tomar foto") : qsTr("Foto tomada")
                note: body.photoMissing ? qsTr("hace falta") : ""
                iconName: body.photoMissing ? "camera" : "good"
                onClicked: body.procedure.act("photo", {
                    "what": body.choice
                })
            }

            Dropdown {
                visible: pad.visible && body.people.length > 0
                width: parent.width
                height: Theme.target
                rowHeight: Theme.target
                label: qsTr("Quién lo permite")
                current: body.person
                options: body.people
                onChosen: key => body.person = key
            }

            Row {
                visible: pad.visible
                spacing: Theme.gap12

                Label {
                    anchors.verticalCenter: parent.verticalCenter
                    kind: Label.Title
                    text: qsTr("PIN de quien lo permite")
                }

                Repeater {
                    model: Math.max(6, pad.text.length)

                    Rectangle {
                        required property int index

                        anchors.verticalCenter: parent.verticalCenter
                        width: 20
                        height: 20
                        radius: 10
                        color: index < pad.text.length ? Theme.ink : "transparent"
                        border.width: 2
                        border.color: Theme.edge
                    }
                }
            }

            TextBox {
                id: words

                visible: body.choice !== ""
                width: parent.width
                height: 120
                placeholderText: body.chosen.needsNote ? qsTr("Qué pasó, en pocas palabras (hace falta)") : qsTr("Qué pasó, en pocas palabras")
            }
        }

        ScrollMark {
            view: scroller
        }
    }

    NumberPad {
        id: pad

        visible: body.step.otherwisePin === true
        anchors.right: parent.right
        anchors.bottom: body.narrow ? parent.bottom : undefined
        width: body.narrow ? parent.width : 360
        keyHeight: body.narrow ? 72 : Math.max(72, Math.min(112, (body.height - 3 * gap) / 4))
        gap: Theme.gap12
        digits: 12
        lastKey: ""
    }
}
