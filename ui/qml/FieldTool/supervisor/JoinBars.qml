pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Join success by age: the share, the target as a mark, met or not in a word.
Column {
    id: bars

    required property var joins

    spacing: Theme.gap16

    Repeater {
        model: bars.joins

        Item {
            id: bar

            required property var modelData
            readonly property bool counted: modelData.share >= 0

            width: bars.width
            height: 48

            Label {
                y: 4
                strong: true
                text: bar.modelData.label
            }

            Label {
                x: 72
                kind: Label.Title
                text: bar.modelData.value
            }

            Mark {
                anchors.right: parent.right
                y: 2
                size: 20
                visible: bar.counted
                tone: bar.modelData.tone
                text: bar.modelData.verdict
            }

            Rectangle {
                y: 34
                width: parent.width
                height: 12
                radius: 4
                color: Theme.ground
                border.width: 1
                border.color: Theme.line

                Rectangle {
                    width: Math.max(0, bar.modelData.share) * parent.width
                    height: parent.height
                    radius: 4
                    color: Theme.action
                }

                Rectangle {
                    x: bar.modelData.target * parent.width - 1
                    y: -5
                    width: 3
                    height: 22
                    color: Theme.ink
                }
            }
        }
    }
}
