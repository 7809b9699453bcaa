pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Number: own keypad, unit, plausible range, the last reading beside it. Outside the range it asks once, it never forbids.
StepBody {
    id: body

    readonly property string figures: pad.text
    readonly property real low: body.plain(step.rangeLow ?? "")
    readonly property real high: body.plain(step.rangeHigh ?? "")
    readonly property real given: body.plain(figures)
    readonly property bool outside: figures !== "" && ((!isNaN(low) && given < low) || (!isNaN(high) && given > high))
    // Reasons stand in the step where a reading that disagrees needs one; else a second look is enough.
    readonly property var reasons: step.reasons ?? []
    readonly property bool doubtful: outside || (procedure.failure.message ?? "") !== ""
    property string reason: ""
    property bool sure: false
    readonly property bool explained: reasons.length > 0 ? reason !== "" : sure

    primaryReady: figures !== "" && (!doubtful || explained) && !procedure.busy
    primaryNote: figures === "" ? qsTr("escriba la lectura") : doubtful && !explained ? qsTr("diga por qué") : (step.notReady ?? "")
    answers: ({
            "value": body.figures.replace(",", "."),
            "reason": body.doubtful ? body.reason : "",
            "confirmed_outside": body.outside
        })
    Keys.forwardTo: [pad]

    // Only for comparing on screen; what is recorded is the text as typed.
    function plain(text: string): real {
        return text === "" ? NaN : Number(text.replace(/\s/g, "").replace(",", "."));
    }

    // Five reasons and the warning above them are higher than the page.
    Flickable {
        id: scroller

        width: (body.narrow ? parent.width : parent.width - pad.width - Theme.gap32) + Theme.gap16
        height: body.narrow ? Math.min(sheet.implicitHeight, parent.height - 4 * 72 - 3 * pad.gap - Theme.gap24) : parent.height
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

            Card {
                width: parent.width
                height: 104
                border.width: 3
                border.color: body.outside ? Theme.attention : Theme.action

                Label {
                    x: 24
                    anchors.verticalCenter: parent.verticalCenter
                    width: parent.width - unit.width - 60
                    kind: Label.Verdict
                    font.pixelSize: 48
                    font.features: Theme.serialFigures
                    text: body.figures === "" ? "—" : body.figures
                    color: body.figures === "" ? Theme.muted : Theme.ink
                    elide: Text.ElideLeft
                }

                Label {
                    id: unit

                    anchors.right: parent.right
                    anchors.rightMargin: 24
                    anchors.verticalCenter: parent.verticalCenter
                    kind: Label.Value
                    color: Theme.muted
                    text: body.step.unit ?? ""
                }
            }

            FactStrip {
                visible: !body.doubtful
                width: parent.width
                facts: (body.step.facts ?? []).concat([
                    {
                        "label": qsTr("Última"),
                        "value": body.step.lastValue || "—",
                        "detail": body.step.lastTime ?? "",
                        "serial": false,
                        "tone": ""
                    },
                    {
                        "label": qsTr("Se espera entre"),
                        "value": body.step.rangeLow ? body.step.rangeLow + " – " + body.step.rangeHigh : "—",
                        "detail": qsTr("según el consumo de siempre"),
                        "serial": false,
                        "tone": ""
                    }
                ])
            }

            Card {
                visible: body.doubtful
                width: parent.width
                height: warning.implicitHeight + 28
                tone: "attention"

                Column {
                    id: warning

                    x: 20
                    y: 14
                    width: parent.width - 40
                    spacing: Theme.gap12

                    Label {
                        visible: body.outside
                        width: parent.width
                        kind: Label.Title
                        color: Theme.attention
                        text: qsTr("Fuera de lo esperado: %1 – %2").arg(body.step.rangeLow ?? "").arg(body.step.rangeHigh ?? "")
                        wrapMode: Text.WordWrap
                    }

                    Repeater {
                        model: body.reasons

                        ChoiceTile {
                            required property var modelData

                            width: warning.width
                            implicitHeight: 64
                            text: modelData.title
                            chosen: body.reason === modelData.key
                            onClicked: body.reason = modelData.key
                        }
                    }

                    ChoiceTile {
                        visible: body.reasons.length === 0
                        width: parent.width
                        text: qsTr("Lo leí dos veces y es así")
                        iconName: body.sure ? "" : "circle"
                        chosen: body.sure
                        onClicked: body.sure = !body.sure
                    }
                }
            }
        }

        ScrollMark {
            view: scroller
        }
    }

    NumberPad {
        id: pad

        anchors.right: parent.right
        y: body.narrow ? scroller.height + Theme.gap24 : 0
        width: body.narrow ? parent.width : 360
        keyHeight: Math.max(72, Math.min(112, (body.height - (body.narrow ? scroller.height + 24 : 0) - 3 * gap) / 4))
        gap: Theme.gap12
        focus: true
        text: body.step.value ?? ""
        digits: body.step.digits || 8
        decimals: body.step.decimals ?? 0
        onEdited: body.sure = false
    }
}
