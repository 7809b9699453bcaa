pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Place: where in the tree, which position of the panel; taken by itself, corrected by a tap.
StepBody {
    id: body

    property string slot: step.value ?? ""
    readonly property bool hasSlots: (step.slots ?? []).length > 0

    primaryReady: (step.ready ?? true) && !procedure.busy && (!hasSlots || slot !== "")
    primaryNote: hasSlots && slot === "" ? qsTr("toque la posición") : (step.notReady ?? "")
    primaryText: hasSlots && slot !== "" ? qsTr("Guardar en posición %1").arg(slot) : (step.primary ?? "")
    answers: ({
            "slot": body.slot
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

            FactStrip {
                visible: (body.step.facts ?? []).length > 0
                width: parent.width
                facts: body.step.facts ?? []
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
                        slotState: modelData.state === "expected" ? (chosen ? "expected" : "free") : modelData.state
                        chosen: body.slot === modelData.key
                        enabled: modelData.state !== "taken"
                        onClicked: body.slot = modelData.key
                    }
                }
            }
        }
    }
}
