import QtQuick
import FieldTool.theme
import FieldTool.controls

// What the step asks, in one sentence or two.
Column {
    id: head

    required property var step

    spacing: 6

    Label {
        width: parent.width
        kind: Label.Value
        text: head.step.title ?? ""
        wrapMode: Text.WordWrap
    }

    Label {
        visible: text !== ""
        width: parent.width
        kind: Label.Title
        font.weight: Font.Normal
        color: Theme.muted
        text: head.step.text ?? ""
        wrapMode: Text.WordWrap
    }
}
