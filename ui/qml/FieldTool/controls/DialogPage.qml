import QtQuick
import QtQuick.Templates as T
import FieldTool.theme

// What needs an answer: one question, one clear primary action, a way back.
T.Popup {
    id: dialog

    property string title: ""
    property string text: ""
    property string iconName: "info"
    property string tone: ""
    property string primaryText: ""
    property string primaryIcon: "check"
    property string secondaryText: qsTr("Volver")
    property bool primaryEnabled: true
    default property alias content: middle.data

    signal primary

    anchors.centerIn: parent
    width: Math.min(parent ? parent.width - 48 : 640, 720)
    implicitHeight: implicitContentHeight + topPadding + bottomPadding
    modal: true
    focus: true
    padding: Theme.gap24
    closePolicy: T.Popup.CloseOnEscape

    T.Overlay.modal: Rectangle {
        color: Theme.scrim
    }

    background: Card {}

    contentItem: Column {
        spacing: Theme.gap16

        Row {
            width: parent.width
            spacing: Theme.gap16

            Icon {
                id: sign

                name: dialog.iconName
                size: 48
                color: Theme.tone(dialog.tone)
            }

            Column {
                width: parent.width - sign.width - Theme.gap16
                spacing: Theme.gap8

                Label {
                    width: parent.width
                    kind: Label.Value
                    text: dialog.title
                    wrapMode: Text.WordWrap
                }

                Label {
                    visible: text !== ""
                    width: parent.width
                    text: dialog.text
                    lineHeight: 1.2
                    wrapMode: Text.WordWrap
                }
            }
        }

        Column {
            id: middle

            width: parent.width
            spacing: Theme.gap12
        }

        Item {
            width: parent.width
            height: Theme.primary

            ActionButton {
                height: parent.height
                width: Math.min(Math.max(152, implicitWidth), parent.width * 0.45)
                text: dialog.secondaryText
                iconName: "back"
                iconSize: 24
                onClicked: dialog.close()
            }

            ActionButton {
                anchors.right: parent.right
                height: parent.height
                width: Math.min(400, parent.width * 0.5)
                kind: dialog.tone === "wrong" ? "danger" : "primary"
                enabled: dialog.primaryEnabled
                text: dialog.primaryText
                iconName: dialog.primaryIcon
                onClicked: {
                    dialog.close();
                    dialog.primary();
                }
            }
        }
    }
}
