import QtQuick
import FieldTool.theme

// A serial that print on a label may say, large, beside what to do with it: it goes nowhere without a tap.
Card {
    id: card

    required property string serial

    signal taken
    signal declined

    height: content.implicitHeight + 32
    tone: "attention"
    Accessible.role: Accessible.AlertMessage
    Accessible.name: heading.text + " " + card.serial + " " + hint.text

    Column {
        id: content

        x: 16
        y: 16
        width: parent.width - 32
        spacing: Theme.gap12

        Label {
            id: heading

            width: parent.width
            kind: Label.Title
            text: qsTr("Impreso, sin comprobar")
            wrapMode: Text.WordWrap
        }

        SerialText {
            size: 24
            text: card.serial
        }

        Label {
            id: hint

            width: parent.width
            text: qsTr("¿La etiqueta dice exactamente esto?")
            wrapMode: Text.WordWrap
        }

        Row {
            width: parent.width
            spacing: Theme.gap8

            ActionButton {
                width: (parent.width - Theme.gap8) / 2
                text: qsTr("Sí")
                iconName: "check"
                onClicked: card.taken()
            }

            ActionButton {
                width: (parent.width - Theme.gap8) / 2
                text: qsTr("No")
                iconName: "cross"
                onClicked: card.declined()
            }
        }
    }
}
