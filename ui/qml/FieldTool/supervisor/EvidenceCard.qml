pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// One side of the evidence: label and value, line by line.
Card {
    id: card

    required property string title
    required property var facts

    implicitHeight: lines.implicitHeight + 28

    Column {
        id: lines

        x: 20
        y: 12
        width: parent.width - 40
        spacing: 0

        Label {
            width: parent.width
            bottomPadding: 6
            kind: Label.Title
            text: card.title
            wrapMode: Text.WordWrap
        }

        Repeater {
            model: card.facts

            Item {
                id: line

                required property var modelData

                width: lines.width
                height: Math.max(44, Math.max(name.implicitHeight, value.implicitHeight) + 16)

                Hairline {
                    width: parent.width
                    height: 1
                }

                Label {
                    id: name

                    y: 10
                    width: parent.width * 0.35
                    color: Theme.muted
                    text: line.modelData.label
                    wrapMode: Text.WordWrap
                }

                Column {
                    id: value

                    x: parent.width * 0.35 + 8
                    y: 10
                    width: parent.width - x

                    SerialText {
                        visible: line.modelData.serial
                        size: value.width < 200 ? 16 : 20
                        text: line.modelData.serial ? line.modelData.value : ""
                    }

                    Label {
                        visible: !line.modelData.serial
                        width: parent.width
                        strong: true
                        color: Theme.tone(line.modelData.tone)
                        text: line.modelData.value
                        wrapMode: Text.Wrap
                    }

                    Label {
                        visible: text !== ""
                        width: parent.width
                        kind: Label.Caption
                        text: line.modelData.detail
                        wrapMode: Text.WordWrap
                    }
                }
            }
        }
    }
}
