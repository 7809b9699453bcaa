pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Templates as T
import FieldTool.theme

// Our own keys for figures: the system's keyboard would cover half of the page. A real keyboard works too.
FocusScope {
    id: pad

    property string text: ""
    property int digits: 8
    property int decimals: 0
    property string separator: ","
    property int keyHeight: Theme.target
    property int gap: Theme.gap8
    property string lastKey: decimals > 0 ? separator : ""
    property string lastIcon: ""
    property string lastText: ""
    property bool lastEnabled: true

    signal edited(string text)
    signal lastPressed

    implicitWidth: 3 * 120 + 2 * gap
    implicitHeight: 4 * keyHeight + 3 * gap
    Keys.onPressed: event => pad.typed(event)

    function press(key: string): void {
        if (key === "delete") {
            pad.put(pad.text.slice(0, -1));
        } else if (key === pad.separator) {
            if (pad.decimals > 0 && !pad.text.includes(key))
                pad.put((pad.text || "0") + key);
        } else {
            const parts = pad.text.split(pad.separator);
            const full = parts.length > 1 ? parts[1].length >= pad.decimals : parts[0].length >= pad.digits;
            if (!full)
                pad.put(pad.text + key);
        }
    }

    function put(text: string): void {
        pad.text = text;
        pad.edited(text);
    }

    function typed(event: KeyEvent): void {
        if (/^[0-9]$/.test(event.text))
            pad.press(event.text);
        else if (event.text === "," || event.text === ".")
            pad.press(pad.separator);
        else if (event.key === Qt.Key_Backspace)
            pad.press("delete");
        else
            return;
        event.accepted = true;
    }

    Grid {
        columns: 3
        spacing: pad.gap

        Repeater {
            model: ["1", "2", "3", "4", "5", "6", "7", "8", "9", "last", "0", "delete"]

            T.AbstractButton {
                id: key

                required property string modelData
                readonly property bool last: modelData === "last"
                readonly property bool erase: modelData === "delete"
                readonly property bool blank: last && pad.lastKey === "" && pad.lastIcon === ""

                width: (pad.width - 2 * pad.gap) / 3
                height: pad.keyHeight
                enabled: !blank && (!last || pad.lastEnabled)
                focusPolicy: Qt.NoFocus
                text: erase ? qsTr("Borrar") : last ? pad.lastKey || pad.lastText : modelData
                Accessible.name: text
                onClicked: {
                    if (last && pad.lastIcon !== "")
                        pad.lastPressed();
                    else
                        pad.press(last ? pad.lastKey : modelData);
                }
                onPressAndHold: if (erase) pad.put("")

                background: Rectangle {
                    visible: !key.blank
                    radius: Theme.radius
                    color: key.down ? Theme.pressed : Theme.surface
                    border.width: 2
                    border.color: key.erase ? Theme.line : Theme.edge
                }

                contentItem: Item {
                    Label {
                        visible: !key.erase && pad.lastIcon === "" || !key.last && !key.erase
                        anchors.centerIn: parent
                        kind: Label.Value
                        text: key.text
                    }

                    Icon {
                        visible: key.erase || key.last && pad.lastIcon !== ""
                        anchors.centerIn: parent
                        name: key.erase ? "delete" : pad.lastIcon
                        size: 32
                        color: key.enabled ? Theme.ink : Theme.muted
                    }
                }
            }
        }
    }
}
