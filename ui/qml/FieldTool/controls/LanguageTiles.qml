pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme

// The languages by their own names, side by side; the current one is framed and ticked.
Row {
    id: languages

    required property var options
    property string current: ""

    signal chosen(string key)

    spacing: Theme.gap16

    Repeater {
        model: languages.options

        ChoiceTile {
            required property var modelData

            width: (languages.width - (languages.options.length - 1) * languages.spacing) / languages.options.length
            text: modelData.title
            chosen: languages.current === modelData.key
            onClicked: languages.chosen(modelData.key)
        }
    }
}
