pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme

// A few labelled values side by side in a card; wraps when narrow.
Card {
    id: strip

    required property var facts
    readonly property int columns: Math.max(1, Math.min(facts.length, Math.floor(width / 220)))

    implicitHeight: grid.implicitHeight + 32

    Grid {
        id: grid

        x: 20
        y: 16
        width: parent.width - 40
        columns: strip.columns
        columnSpacing: 0
        rowSpacing: Theme.gap12

        Repeater {
            model: strip.facts

            Item {
                id: fact

                required property var modelData
                required property int index

                width: grid.width / strip.columns
                height: words.implicitHeight

                Hairline {
                    visible: fact.index % strip.columns > 0
                    x: 0
                    y: 4
                    height: parent.height - 8
                }

                Column {
                    id: words

                    x: fact.index % strip.columns > 0 ? Theme.gap24 : 0
                    width: parent.width - x - Theme.gap12
                    spacing: 3

                    Label {
                        width: parent.width
                        kind: Label.Caption
                        text: fact.modelData.label
                        wrapMode: Text.WordWrap
                    }

                    Label {
                        visible: !fact.modelData.serial
                        width: parent.width
                        kind: Label.Title
                        text: fact.modelData.value
                        color: Theme.tone(fact.modelData.tone)
                        wrapMode: Text.Wrap
                    }

                    SerialText {
                        visible: fact.modelData.serial
                        size: Theme.title
                        text: fact.modelData.serial ? fact.modelData.value : ""
                    }

                    Label {
                        visible: text !== ""
                        width: parent.width
                        kind: Label.Caption
                        text: fact.modelData.detail
                        wrapMode: Text.WordWrap
                    }
                }
            }
        }
    }
}
