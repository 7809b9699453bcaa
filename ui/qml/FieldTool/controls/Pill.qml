import QtQuick
import FieldTool.theme

// A state in a word. `filled`: late or wrong now; outlined: soon.
Rectangle {
    id: pill

    property string text: ""
    property string tone: "attention"
    property string iconName: ""
    property bool filled: false

    readonly property color ink: filled ? (tone === "action" ? Theme.actionInk : Theme.meaningInk) : Theme.tone(tone)

    implicitHeight: 36
    implicitWidth: line.implicitWidth + 28
    radius: height / 2
    color: filled ? Theme.tone(tone) : Theme.tint(tone)
    border.width: filled ? 0 : 1
    border.color: Theme.tone(tone)

    Row {
        id: line

        anchors.centerIn: parent
        spacing: Theme.gap8

        Icon {
            visible: pill.iconName !== ""
            anchors.verticalCenter: parent.verticalCenter
            name: pill.iconName
            size: 20
            color: pill.ink
        }

        Label {
            anchors.verticalCenter: parent.verticalCenter
            text: pill.text
            strong: true
            color: pill.ink
        }
    }
}
