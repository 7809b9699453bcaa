pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Balance: the probe goes from the macro meter to each meter and back; what does not close is explained.
StepBody {
    id: body

    property string chosen: ""
    readonly property var slots: step.slots ?? []
    readonly property var picked: slots.find(one => one.key === chosen) ?? null
    readonly property bool reading: (step.progressText ?? "") !== ""

    function accept(): void {
        if (body.step.value === "power")
            body.procedure.act("power", {});
        else
            body.procedure.accept({});
    }

    function say(what: string): void {
        body.procedure.act("meter_is", {
            "serial": body.chosen,
            "what": what
        });
        body.chosen = "";
    }

    // What may be said of the tile that was touched.
    readonly property var sayings: {
        if (picked === null || picked.state === "ours")
            return [];
        if (picked.state === "foreign")
            return [["macro", qsTr("Es el macromedidor")], ["member", qsTr("Cuelga de aquí")]];
        return picked.state === "free" || picked.state === "expected" ? [["silent", qsTr("No se puede leer")]] : [];
    }

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

            VerdictBand {
                width: parent.width
                tone: body.step.tone || "attention"
                iconName: body.step.tone === "good" ? "good" : body.step.tone === "wrong" ? "wrong" : "waiting"
                text: body.step.verdict ?? ""
                detail: body.reading ? (body.step.progressText ?? "") : (body.step.verdictDetail ?? "")
            }

            ProgressLine {
                visible: body.reading
                width: parent.width
                value: body.step.progress ?? 0
            }

            FactStrip {
                visible: (body.step.facts ?? []).length > 0
                width: parent.width
                facts: body.step.facts ?? []
            }

            Repeater {
                model: body.step.hints ?? []

                Row {
                    id: cause

                    required property string modelData

                    width: sheet.width
                    spacing: Theme.gap12

                    Icon {
                        name: "attention"
                        size: 24
                        color: Theme.attention
                    }

                    Label {
                        width: cause.width - 24 - Theme.gap12
                        text: cause.modelData
                        wrapMode: Text.WordWrap
                    }
                }
            }

            Grid {
                id: grid

                width: parent.width
                columns: Math.max(2, Math.floor((width + Theme.gap8) / (132 + Theme.gap8)))
                spacing: Theme.gap8

                Repeater {
                    model: body.slots

                    SlotTile {
                        required property var modelData

                        width: (grid.width - (grid.columns - 1) * Theme.gap8) / grid.columns
                        height: 88
                        text: modelData.title
                        detail: modelData.detail
                        freeWord: qsTr("sin leer")
                        expectedWord: qsTr("ahora")
                        slotState: modelData.state === "ours" ? "expected" : modelData.state
                        chosen: modelData.state === "ours" || body.chosen === modelData.key
                        Accessible.name: modelData.serial + " " + modelData.detail
                        onClicked: body.chosen = modelData.key
                    }
                }
            }

            Flow {
                visible: body.picked !== null
                width: parent.width
                spacing: Theme.gap12

                SerialText {
                    height: Theme.target
                    size: Theme.title
                    text: body.picked?.serial ?? ""
                }

                Repeater {
                    model: body.sayings

                    ActionButton {
                        required property var modelData

                        height: Theme.target
                        text: modelData[1]
                        onClicked: body.say(modelData[0])
                    }
                }
            }

            Label {
                visible: body.slots.length === 0
                width: parent.width
                color: Theme.muted
                text: qsTr("Aquí todavía no consta ningún medidor. Lea el macromedidor y los que cuelgan de él, o diga por qué no.")
                wrapMode: Text.WordWrap
            }
        }

        ScrollMark {
            view: scroller
        }
    }
}
