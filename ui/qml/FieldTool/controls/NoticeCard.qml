import QtQuick
import FieldTool.theme

// Something to know that stops nothing: what it is, and what to do. {icon, tone, title, text}
Card {
    id: card

    property var notice: ({})

    tone: notice.tone ?? "attention"
    implicitHeight: Math.max(72, words.implicitHeight + 2 * Theme.gap16)
    Accessible.role: Accessible.AlertMessage
    Accessible.name: (notice.title ?? "") + ". " + (notice.text ?? "")

    Icon {
        x: Theme.gap24
        anchors.verticalCenter: parent.verticalCenter
        name: card.notice.icon ?? "attention"
        size: 28
        color: Theme.tone(card.tone)
    }

    Column {
        id: words

        x: 68
        anchors.verticalCenter: parent.verticalCenter
        width: parent.width - x - Theme.gap24
        spacing: 2

        Label {
            width: parent.width
            kind: Label.Title
            color: Theme.tone(card.tone)
            text: card.notice.title ?? ""
            wrapMode: Text.WordWrap
        }

        Label {
            visible: text !== ""
            width: parent.width
            text: card.notice.text ?? ""
            wrapMode: Text.WordWrap
        }
    }
}
