pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Crews as small multiples: a bar a day, the plan as a dashed line, a day far under it in another colour and form.
Grid {
    id: charts

    required property var crews
    property int across: 4
    property real chartHeight: 84

    columns: across
    columnSpacing: 20
    rowSpacing: 14

    Repeater {
        model: charts.crews

        Item {
            id: chart

            required property var modelData
            readonly property real slot: width / Math.max(1, modelData.bars.length)
            readonly property real floor: height
            readonly property real ceiling: height - 28

            width: (charts.width - (charts.across - 1) * charts.columnSpacing) / charts.across
            height: charts.chartHeight
            Accessible.role: Accessible.Graphic
            Accessible.name: modelData.crew + ": " + modelData.today

            Label {
                width: parent.width - today.width - 4
                strong: true
                text: chart.modelData.crew
                elide: Text.ElideRight
            }

            Row {
                id: today

                anchors.right: parent.right
                spacing: 4

                Icon {
                    visible: chart.modelData.tone !== ""
                    anchors.verticalCenter: parent.verticalCenter
                    name: "attention"
                    size: 18
                    color: Theme.tone(chart.modelData.tone)
                }

                Label {
                    kind: Label.Title
                    color: Theme.tone(chart.modelData.tone)
                    font.pixelSize: 18
                    text: chart.modelData.today
                }
            }

            Repeater {
                model: chart.modelData.bars

                Rectangle {
                    required property int index
                    required property real modelData

                    x: index * chart.slot
                    width: Math.max(2, chart.slot - 2)
                    height: Math.max(modelData > 0 ? 2 : 0, modelData * chart.ceiling)
                    y: chart.floor - height
                    color: chart.modelData.low[index] ? Theme.attention : Theme.action
                }
            }

            Rectangle {
                y: chart.floor
                width: parent.width
                height: 1
                color: Theme.line
            }

            Row {
                visible: chart.modelData.plan > 0
                y: chart.floor - chart.modelData.plan * chart.ceiling
                spacing: 3

                Repeater {
                    model: Math.floor(chart.width / 7)

                    Rectangle {
                        width: 4
                        height: 2
                        color: Theme.ink
                    }
                }
            }
        }
    }
}
