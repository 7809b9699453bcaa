pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Live values by phase, the phasors beside them, the wiring verdict below.
Card {
    id: card

    required property var meter
    readonly property bool drawing: (meter.vectors ?? []).length > 0
    readonly property bool narrow: width < 640
    readonly property real columnWidth: (table.width - 138) / Math.max(1, phases.length)
    readonly property var phases: meter.phases ?? []
    readonly property bool hasVerdict: (meter.verdict ?? "") !== ""

    implicitHeight: Math.max(table.y + table.implicitHeight, drawing ? diagram.y + diagram.height : 0) + (hasVerdict ? verdict.height : 8)

    Column {
        id: table

        x: 24
        y: 16
        width: card.drawing && !card.narrow ? Math.min(448, parent.width * 0.56) : parent.width - 48

        Item {
            width: parent.width
            height: 28

            Label {
                kind: Label.Caption
                text: card.meter.time
            }

            Repeater {
                model: card.phases

                Label {
                    required property string modelData
                    required property int index

                    x: 138 + (index + 1) * card.columnWidth - width
                    strong: true
                    text: modelData
                }
            }
        }

        Repeater {
            model: card.meter.readings ?? []

            Item {
                id: row

                required property var modelData

                width: table.width
                height: 50

                Hairline {
                    width: parent.width
                    height: 1
                }

                Label {
                    anchors.verticalCenter: parent.verticalCenter
                    width: 136
                    text: row.modelData.label
                    color: Theme.muted
                    elide: Text.ElideRight
                }

                Repeater {
                    model: row.modelData.values

                    Label {
                        required property string modelData
                        required property int index

                        // Not by anchors: live values make these anew, and a parent that is gone has no middle.
                        x: 138 + (index + 1) * card.columnWidth - width
                        y: (row.height - height) / 2
                        kind: Label.Value
                        text: modelData
                        font.features: Theme.figures
                        color: row.modelData.wrong.includes(index) ? Theme.wrong : Theme.ink
                    }
                }
            }
        }

        Item {
            visible: (card.meter.rotation ?? "") !== ""
            width: parent.width
            height: 46

            Mark {
                anchors.verticalCenter: parent.verticalCenter
                tone: card.meter.rotationTone
                iconName: card.meter.rotationTone === "wrong" ? "rotateBack" : card.meter.rotationTone === "good" ? "rotate" : "info"
                size: 22
                text: card.meter.rotation
            }
        }
    }

    PhasorDiagram {
        id: diagram

        visible: card.drawing
        x: card.narrow ? (parent.width - width) / 2 : table.x + table.width + (parent.width - table.x - table.width - width) / 2
        y: card.narrow ? table.y + table.implicitHeight + 8 : 22
        width: 300
        height: 256
        vectors: card.meter.vectors ?? []
        rotationTone: card.meter.rotationTone ?? ""
    }

    Rectangle {
        id: verdict

        visible: card.hasVerdict
        anchors.bottom: parent.bottom
        anchors.bottomMargin: 1
        x: 1
        width: parent.width - 2
        height: Math.max(80, words.implicitHeight + 28)
        color: Theme.tint(card.meter.verdictTone ?? "")
        bottomLeftRadius: Theme.cardRadius - 1
        bottomRightRadius: Theme.cardRadius - 1

        Rectangle {
            width: parent.width
            height: 2
            color: card.meter.verdictTone ? Theme.tone(card.meter.verdictTone) : Theme.line
        }

        Icon {
            x: 23
            anchors.verticalCenter: parent.verticalCenter
            name: Theme.toneIcon(card.meter.verdictTone ?? "")
            size: 36
            color: Theme.tone(card.meter.verdictTone ?? "")
        }

        Column {
            id: words

            x: 76
            anchors.verticalCenter: parent.verticalCenter
            width: parent.width - x - 20
            spacing: 2

            Label {
                width: parent.width
                kind: Label.Title
                color: Theme.tone(card.meter.verdictTone ?? "")
                text: card.meter.verdict
                wrapMode: Text.WordWrap
            }

            Label {
                width: parent.width
                text: card.meter.verdictDetail
                wrapMode: Text.WordWrap
            }
        }
    }
}
