import QtQuick
import FieldTool.theme
import FieldTool.controls

// One control in its states, under its name.
Column {
    id: group

    property string title

    spacing: Theme.gap8

    Label {
        kind: Label.Caption
        text: group.title
    }
}
