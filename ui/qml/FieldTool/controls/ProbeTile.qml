import QtQuick
import FieldTool.theme

// One probe of a bench, to be read from two metres: what to do with its meter, its serial, how far it is.
Card {
    id: tile

    property string title: ""
    property string word: ""
    property string detail: ""
    property string iconName: ""
    property string serial: ""
    property real progress: 0
    property string progressText: ""
    property bool canAgain: false

    signal again

    implicitHeight: 196
    Accessible.name: title + ": " + word

    Label {
        id: port

        anchors.right: parent.right
        anchors.rightMargin: Theme.gap16
        y: Theme.gap12
        color: Theme.muted
        strong: true
        text: tile.title
    }

    Icon {
        id: sign

        x: Theme.gap24
        y: Theme.gap24
        name: tile.iconName
        size: 48
        color: tile.tone === "" ? Theme.muted : Theme.tone(tile.tone)
    }

    Label {
        x: 88
        anchors.verticalCenter: sign.verticalCenter
        width: port.x - x - Theme.gap12
        kind: Label.Verdict
        font.pixelSize: Theme.value + 4
        font.weight: Font.Bold
        color: tile.tone === "" ? Theme.ink : Theme.tone(tile.tone)
        text: tile.word
        wrapMode: Text.WordWrap
    }

    Column {
        x: Theme.gap24
        anchors.bottom: parent.bottom
        anchors.bottomMargin: Theme.gap16
        width: (button.visible ? button.x : parent.width) - x - Theme.gap16
        spacing: Theme.gap8

        SerialText {
            visible: text !== ""
            text: tile.serial
        }

        Label {
            visible: text !== ""
            width: parent.width
            text: tile.detail !== "" ? tile.detail : tile.progressText
            wrapMode: Text.WordWrap
        }

        ProgressLine {
            visible: tile.progressText !== ""
            width: parent.width
            value: tile.progress
        }
    }

    ActionButton {
        id: button

        visible: tile.canAgain
        anchors.right: parent.right
        anchors.rightMargin: Theme.gap12
        anchors.bottom: parent.bottom
        anchors.bottomMargin: Theme.gap12
        text: qsTr("Otra vez")
        iconName: "retry"
        onClicked: tile.again()
    }
}
