import QtQuick
import FieldTool.theme

// A surface with a border; what stands in it lays itself out.
Rectangle {
    id: card

    property string tone: ""

    color: tone === "" ? Theme.surface : Theme.tint(tone)
    border.color: tone === "" ? Theme.line : Theme.tone(tone)
    border.width: tone === "" ? 1 : 2
    radius: Theme.cardRadius
}
