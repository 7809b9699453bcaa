pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Place: where in the tree, which position of the panel; taken by itself, corrected by a tap.
StepBody {
    id: body

    property string slot: step.value ?? ""
    readonly property var slots: step.slots ?? []
    readonly property bool hasSlots: slots.length > 0
    readonly property int takenCount: slots.filter(one => one.state === "taken").length
    // The taken position that was touched last: who stands there is said below the grid.
    property string asked: ""
    readonly property var shown: slots.find(one => one.key === (asked !== "" ? asked : slot)) ?? ({})
    readonly property var candidates: step.choices ?? []
    readonly property var collector: (step.selects ?? []).find(one => one.key === "concentrator") ?? null
    readonly property var candidate: candidates.find(one => collector !== null && one.key === collector.value) ?? null
    readonly property var others: (step.selects ?? []).filter(one => one.key !== "concentrator")
    readonly property bool blocked: slots.some(one => one.key === slot && one.state === "taken")

    primaryReady: (step.ready ?? true) && !procedure.busy && (!hasSlots || slot !== "" && !blocked)
    primaryNote: hasSlots && slot === "" ? qsTr("toque la posición") : blocked ? qsTr("está ocupada: toque otra") : (step.notReady ?? "")
    primaryText: hasSlots && slot !== "" ? qsTr("Guardar en posición %1").arg(slot) : (step.primary ?? "")
    answers: ({
            "slot": body.slot
        })

    extras: candidates.length > 0 ? [
        {
            "key": "scan",
            "text": qsTr("Escanear"),
            "icon": "scan"
        }
    ] : []
    onExtra: body.procedure.scanPlace()

    function slotText(): string {
        if (body.shown.state === "taken")
            return qsTr("Posición %1: ocupada por el medidor %2").arg(body.shown.title).arg(body.shown.serial);
        return qsTr("%1 ocupadas de %2. Toque una ocupada para ver quién está.").arg(body.takenCount).arg(body.slots.length);
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
            spacing: Theme.gap12

            Label {
                width: parent.width
                kind: Label.Value
                text: body.step.title ?? ""
                wrapMode: Text.WordWrap
            }

            Breadcrumb {
                width: parent.width
                parts: body.step.place ?? []
            }

            Card {
                visible: body.collector !== null
                width: parent.width
                height: visible ? chosenCollector.implicitHeight : 0

                ListRow {
                    id: chosenCollector

                    width: parent.width
                    firstRow: true
                    iconName: "concentrator"
                    text: body.candidate?.title ?? body.collector?.value ?? ""
                    detail: body.candidate?.detail ?? ""
                    verdict: qsTr("Cambiar")
                    verdictIcon: "edit"
                    onClicked: body.openSheet("place")
                }
            }

            Flow {
                id: selects

                visible: body.others.length > 0
                width: parent.width
                spacing: Theme.gap12

                Repeater {
                    model: body.others

                    Dropdown {
                        required property var modelData

                        width: Math.max(200, (selects.width - (body.others.length - 1) * Theme.gap12) / body.others.length)
                        height: Theme.target
                        rowHeight: Theme.target
                        label: modelData.label
                        current: modelData.value
                        options: modelData.options
                        onChosen: key => body.procedure.act("select", {
                            "key": modelData.key,
                            "value": key
                        })
                    }
                }
            }

            // Beside each other where there is room: the positions below are what the crew came for.
            Grid {
                id: about

                readonly property bool hasFacts: (body.step.facts ?? []).length > 0
                readonly property bool paired: hasFacts && here.visible && width >= 720

                width: parent.width
                columns: paired ? 2 : 1
                spacing: Theme.gap16
                verticalItemAlignment: Grid.AlignVCenter

                FactStrip {
                    visible: about.hasFacts
                    width: about.paired ? (about.width - about.spacing) / 2 : about.width
                    facts: body.step.facts ?? []
                }

                PositionLine {
                    id: here

                    width: about.paired ? (about.width - about.spacing) / 2 : about.width
                    step: body.step
                    procedure: body.procedure
                }
            }

            Label {
                visible: text !== ""
                width: parent.width
                color: Theme.muted
                text: body.step.text ?? ""
                wrapMode: Text.WordWrap
            }

            Grid {
                id: grid

                visible: body.hasSlots
                width: parent.width
                columns: Math.max(1, Math.min(body.narrow ? 6 : 12, Math.floor(width / 84)))
                spacing: Theme.gap8

                Repeater {
                    model: body.step.slots ?? []

                    SlotTile {
                        required property var modelData

                        width: (grid.width - (grid.columns - 1) * Theme.gap8) / grid.columns
                        height: 88
                        text: modelData.title
                        detail: modelData.detail
                        slotState: modelData.state
                        chosen: body.slot === modelData.key
                        onClicked: {
                            body.asked = modelData.state === "taken" ? modelData.key : "";
                            if (modelData.state !== "taken")
                                body.slot = modelData.key;
                        }
                    }
                }
            }

            Label {
                visible: body.hasSlots
                width: parent.width
                color: body.shown.state === "taken" ? Theme.attention : Theme.muted
                text: body.slotText()
                wrapMode: Text.WordWrap
            }
        }

        ScrollMark {
            view: scroller
        }
    }
}
