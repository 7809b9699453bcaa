import QtQuick
import FieldTool.theme

// One labelled value with an icon; grows with its text.
Card {
    id: card

    required property var fact

    implicitHeight: words.implicitHeight + 32

    Icon {
        id: icon

        visible: (card.fact.icon ?? "") !== ""
        x: 20
        y: 20
        name: card.fact.icon ?? ""
        size: 28
        color: Theme.muted
    }

    Column {
        id: words

        x: icon.visible ? 64 : 20
        y: 16
        width: parent.width - x - 16
        spacing: 3

        Label {
            width: parent.width
            kind: Label.Caption
            text: card.fact.label
            wrapMode: Text.WordWrap
        }

        Label {
            visible: !card.fact.serial
            width: parent.width
            kind: Label.Title
            text: card.fact.value
            wrapMode: Text.Wrap
        }

        SerialText {
            visible: card.fact.serial
            size: 22
            text: card.fact.serial ? card.fact.value : ""
        }

        Label {
            visible: text !== ""
            width: parent.width
            color: card.fact.tone ? Theme.tone(card.fact.tone) : Theme.muted
            text: card.fact.detail
            wrapMode: Text.WordWrap
        }
    }
}
