import QtQuick
import FieldTool.theme

// What happened, what to try, a button that does it, the code small below.
Card {
    id: failureNote

    property var failure: ({})
    property string actionText: ""
    property string actionIcon: "retry"
    // What has to pass before it is of use to try again: a countdown, in the place of the button.
    property string remaining: ""

    signal action

    visible: (failure.message ?? "") !== ""
    tone: "wrong"
    implicitHeight: visible ? Math.max(actionText === "" ? 72 : 112, words.implicitHeight + 2 * Theme.gap16) : 0
    Accessible.role: Accessible.AlertMessage
    Accessible.name: failure.message ?? ""

    Icon {
        x: Theme.gap24
        anchors.verticalCenter: parent.verticalCenter
        name: "wrong"
        size: 28
        color: Theme.wrong
    }

    Column {
        id: words

        x: 68
        anchors.verticalCenter: parent.verticalCenter
        width: (button.visible ? button.x : countdown.visible ? countdown.x : parent.width) - x - Theme.gap24
        spacing: 2

        Label {
            width: parent.width
            kind: Label.Title
            color: Theme.wrong
            text: failureNote.failure.message ?? ""
            wrapMode: Text.WordWrap
        }

        Label {
            visible: text !== ""
            width: parent.width
            text: failureNote.failure.hint ?? ""
            wrapMode: Text.WordWrap
        }

        Label {
            visible: (failureNote.failure.code ?? "") !== ""
            kind: Label.Caption
            color: Theme.ink
            text: failureNote.failure.code ?? ""
        }
    }

    Label {
        id: countdown

        visible: text !== ""
        anchors.right: parent.right
        anchors.rightMargin: Theme.gap24
        anchors.verticalCenter: parent.verticalCenter
        kind: Label.Title
        color: Theme.wrong
        font.features: Theme.figures
        text: failureNote.remaining
    }

    ActionButton {
        id: button

        visible: failureNote.actionText !== ""
        anchors.right: parent.right
        anchors.rightMargin: Theme.gap12
        anchors.verticalCenter: parent.verticalCenter
        text: failureNote.actionText
        iconName: failureNote.actionIcon
        onClicked: failureNote.action()
    }
}
