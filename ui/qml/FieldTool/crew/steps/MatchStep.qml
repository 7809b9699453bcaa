pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Coincidencia: four sources, one meter. The verdict above, the differing characters marked, the cause and the way out below.
StepBody {
    id: body

    readonly property bool equal: step.tone === "good"

    signal showOrder(string orderId)

    function accept(): void {
        if (body.equal)
            body.procedure.accept({});
        else
            body.procedure.act("rescan", {});
    }

    readonly property var sources: ({
            "order": "orders",
            "label": "label",
            "optical": "optical",
            "stock": "truck"
        })

    // With a message above it the page is higher than its room.
    Flickable {
        id: scroller

        anchors.fill: parent
        anchors.rightMargin: -Theme.gap16
        contentHeight: sheet.height
        interactive: contentHeight > height
        boundsBehavior: Flickable.StopAtBounds
        clip: interactive

        Item {
            id: sheet

            width: scroller.width - Theme.gap16
            height: cause.y + (cause.visible ? cause.height : facts.visible ? facts.height : 0)

            VerdictBand {
                id: band

                width: parent.width
                tone: body.step.tone || "attention"
                text: body.step.verdict
                detail: body.step.verdictDetail
            }

            Card {
                id: rows

                y: band.height + Theme.gap16
                width: parent.width
                height: 4 * 76 + 2

                Column {
                    width: parent.width
                    y: 1

                    Repeater {
                        model: body.step.match

                        Item {
                            id: row

                            required property var modelData
                            required property int index

                            width: rows.width
                            height: 76

                            Hairline {
                                visible: row.index > 0
                                width: parent.width
                                height: 1
                            }

                            Icon {
                                x: 20
                                anchors.verticalCenter: parent.verticalCenter
                                name: body.sources[row.modelData.source]
                                size: 28
                                color: Theme.muted
                            }

                            Column {
                                x: 64
                                anchors.verticalCenter: parent.verticalCenter
                                width: serial.x - x - 8
                                spacing: 2

                                Label {
                                    width: parent.width
                                    text: row.modelData.title
                                    font.pixelSize: 18
                                    font.weight: Font.DemiBold
                                    elide: Text.ElideRight
                                }

                                Label {
                                    width: parent.width
                                    kind: Label.Caption
                                    text: row.modelData.detail
                                    elide: Text.ElideRight
                                }
                            }

                            SerialText {
                                id: serial

                                x: body.narrow ? 216 : Math.min(298, parent.width * 0.32)
                                anchors.verticalCenter: parent.verticalCenter
                                visible: row.modelData.serial !== ""
                                size: body.narrow ? 22 : Theme.value
                                text: row.modelData.serial
                                marks: row.modelData.marks
                            }

                            Label {
                                x: serial.x
                                visible: row.modelData.serial === ""
                                anchors.verticalCenter: parent.verticalCenter
                                kind: Label.Value
                                color: Theme.muted
                                text: "—"
                            }

                            Mark {
                                x: body.narrow ? parent.width - width - 12 : parent.width - 172
                                anchors.verticalCenter: parent.verticalCenter
                                spacing: Theme.gap8
                                tone: row.modelData.tone || "ink"
                                iconName: row.modelData.icon
                                text: body.narrow ? "" : row.modelData.verdict
                            }
                        }
                    }
                }
            }

            Card {
                id: cause

                visible: body.step.causeTitle !== ""
                y: rows.y + rows.height + Theme.gap16
                width: parent.width
                height: Math.max(104, causeWords.implicitHeight + 24)

                Icon {
                    x: 20
                    anchors.verticalCenter: parent.verticalCenter
                    name: "cause"
                    size: 28
                    color: Theme.action
                }

                Column {
                    id: causeWords

                    x: 64
                    anchors.verticalCenter: parent.verticalCenter
                    width: (seeOrder.visible ? seeOrder.x : parent.width) - x - Theme.gap16
                    spacing: 3

                    Label {
                        kind: Label.Caption
                        text: qsTr("Causa probable")
                    }

                    Label {
                        width: parent.width
                        kind: Label.Title
                        text: body.step.causeTitle
                        wrapMode: Text.WordWrap
                    }

                    Label {
                        width: parent.width
                        color: Theme.muted
                        text: body.step.causeDetail
                        wrapMode: Text.WordWrap
                    }
                }

                ActionButton {
                    id: seeOrder

                    visible: body.step.causeOrderId !== ""
                    anchors.right: parent.right
                    anchors.verticalCenter: parent.verticalCenter
                    kind: "plain"
                    iconName: "next"
                    iconAfter: true
                    text: qsTr("Ver %1").arg(body.step.causeOrder)
                    onClicked: body.showOrder(body.step.causeOrderId)
                }
            }

            FactStrip {
                id: facts

                visible: body.equal && body.step.facts.length > 0
                y: cause.y
                width: parent.width
                facts: body.step.facts
            }
        }

        ScrollMark {
            view: scroller
        }
    }
}
