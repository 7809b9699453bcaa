pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Summary: what was done, the last points to confirm, a remark for the record.
StepBody {
    id: body

    primaryReady: (step.ready ?? true) && tiles.open === 0 && !procedure.busy
    primaryNote: tiles.open > 0 ? qsTr("faltan %n puntos", "", tiles.open) : (step.notReady ?? "")
    answers: ({
            "checks": tiles.values,
            "remark": remark.text.trim()
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

            VerdictBand {
                visible: (body.step.verdict ?? "") !== ""
                width: parent.width
                tone: body.step.tone || "good"
                iconName: body.step.tone === "wrong" ? "wrong" : body.step.tone === "attention" ? "attention" : "waiting"
                text: body.step.verdict ?? ""
                detail: body.step.verdictDetail ?? ""
            }

            Card {
                visible: risks.count > 0
                width: parent.width
                height: visible ? reasons.implicitHeight : 0

                Column {
                    id: reasons

                    width: parent.width

                    Repeater {
                        id: risks

                        model: body.step.choices ?? []

                        ListRow {
                            required property var modelData
                            required property int index

                            width: reasons.width
                            firstRow: index === 0
                            iconName: modelData.icon
                            iconTone: modelData.tone
                            text: modelData.title
                            detail: modelData.detail
                            chevron: modelData.key !== "" ? "next" : ""
                            enabled: modelData.key !== ""
                            onClicked: body.procedure.act("go", {
                                "step": modelData.key
                            })
                        }
                    }
                }
            }

            CheckTiles {
                id: tiles

                width: parent.width
                procedure: body.procedure
                checks: body.step.checks ?? []
            }

            Grid {
                id: facts

                width: parent.width
                columns: body.narrow ? 1 : 2
                spacing: Theme.gap12

                Repeater {
                    model: body.step.facts ?? []

                    FactCard {
                        required property var modelData

                        width: (facts.width - (facts.columns - 1) * Theme.gap12) / facts.columns
                        fact: modelData
                    }
                }
            }

            TextBox {
                id: remark

                width: parent.width
                height: 104
                placeholderText: qsTr("Observación para el acta, si hace falta")
            }
        }

        ScrollMark {
            view: scroller
        }
    }
}
