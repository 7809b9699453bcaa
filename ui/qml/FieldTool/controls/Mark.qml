import QtQuick
import FieldTool.theme

// Icon and word of a state, in the state's colour.
Row {
    id: mark

    property string tone: "good"
    property string iconName: Theme.toneIcon(tone)
    property string text: ""
    property int size: 28
    property bool strong: true

    spacing: Theme.gap8

    Icon {
        anchors.verticalCenter: parent.verticalCenter
        name: mark.iconName
        size: mark.size
        color: Theme.tone(mark.tone)
    }

    Label {
        anchors.verticalCenter: parent.verticalCenter
        text: mark.text
        strong: mark.strong
        color: Theme.tone(mark.tone)
    }
}
