import QtQuick
import FieldTool.theme

// One glyph of the icon font, by its name in `ui/icons.py`.
Text {
    id: icon

    property string name: ""
    property int size: 24

    width: size
    height: size
    text: name === "" ? "" : (Icons.codes[name] ?? icon.missing(name))
    color: Theme.ink
    font.family: Theme.iconFamily
    font.pixelSize: size
    lineHeightMode: Text.FixedHeight
    lineHeight: size
    horizontalAlignment: Text.AlignHCenter
    verticalAlignment: Text.AlignVCenter
    Accessible.ignored: true

    function missing(wanted: string): string {
        console.warn("no icon is called", wanted);
        return "";
    }
}
