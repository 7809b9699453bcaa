import QtQuick
import FieldTool.theme

// Why there is nothing here, and what can be done about it.
Column {
    id: empty

    property string iconName: "empty"
    property string text: ""
    property string detail: ""
    property string actionText: ""
    property string actionIcon: ""

    signal action

    spacing: Theme.gap16

    Rectangle {
        anchors.horizontalCenter: parent.horizontalCenter
        width: 112
        height: 112
        radius: 56
        color: Theme.surface
        border.width: 1
        border.color: Theme.line

        Icon {
            anchors.centerIn: parent
            name: empty.iconName
            size: 48
            color: Theme.muted
        }
    }

    Label {
        width: parent.width
        kind: Label.Value
        text: empty.text
        horizontalAlignment: Text.AlignHCenter
        wrapMode: Text.WordWrap
    }

    Label {
        width: parent.width
        text: empty.detail
        color: Theme.muted
        lineHeight: 1.2
        horizontalAlignment: Text.AlignHCenter
        wrapMode: Text.WordWrap
    }

    ActionButton {
        visible: empty.actionText !== ""
        anchors.horizontalCenter: parent.horizontalCenter
        kind: "primary"
        text: empty.actionText
        iconName: empty.actionIcon
        onClicked: empty.action()
    }
}
