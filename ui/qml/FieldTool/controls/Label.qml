import QtQuick
import FieldTool.theme

// Text in one of the five sizes of the product.
Text {
    id: label

    enum Kind {
        Caption,
        Body,
        Title,
        Value,
        Verdict
    }

    property int kind: Label.Body
    property bool strong: false
    // Where a cut is accepted (a detail that the next page shows in full); the gallery complains of any other.
    property bool mayElide: false

    readonly property var sizes: [Theme.caption, Theme.body, Theme.title, Theme.value, Theme.verdict]

    color: kind === Label.Caption ? Theme.muted : Theme.ink
    font.family: Theme.family
    font.pixelSize: sizes[kind]
    font.weight: strong || kind >= Label.Title ? Font.DemiBold : Font.Normal
    // Under tnum Inter widens the hyphen as well, which tears codes such as SCZ-07 apart.
    font.features: text.includes("-") ? ({}) : Theme.figures
    textFormat: Text.PlainText
}
