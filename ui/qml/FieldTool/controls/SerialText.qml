pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme

// A serial in groups, as the eye compares it. `marks` is as long as the serial: "." plain, "f" framed (expected),
// "x" filled (differs), "d" dashed (unread). Grouping: `FieldTool.Core` gives `groups`, or the default of fours.
Row {
    id: serial

    property string text: ""
    property string marks: ""
    // Characters at the end that are not shown, for a serial whose end has to be read off the meter.
    property int masked: 0
    property int size: Theme.value
    property color color: Theme.ink
    property string tone: "wrong"

    readonly property var parts: serial.split(text, marks, masked)

    spacing: Math.round(size * 0.42)
    Accessible.role: Accessible.StaticText
    Accessible.name: text

    function groupLengths(value: string): var {
        const letters = /^[A-Z]{3}(?=\d{10}$)/.exec(value);
        const lengths = letters ? [3] : [];
        for (let left = value.length - (letters ? 3 : 0); left > 0; left -= 4)
            lengths.push(Math.min(4, left));
        return lengths;
    }

    function shown(value: string, index: int): string {
        return index < value.length - masked ? value.charAt(index) : "·";
    }

    // Runs of equal mark inside each group: [[{text, mark}]].
    function split(value: string, marks: string, masked: int): var {
        const groups = [];
        let at = 0;
        for (const length of serial.groupLengths(value)) {
            const runs = [];
            for (let index = at; index < at + length; index++) {
                const mark = marks.charAt(index) || ".";
                if (runs.length && runs[runs.length - 1].mark === mark)
                    runs[runs.length - 1].text += serial.shown(value, index);
                else
                    runs.push({
                        "text": serial.shown(value, index),
                        "mark": mark
                    });
            }
            groups.push(runs);
            at += length;
        }
        return groups;
    }

    Repeater {
        model: serial.parts

        Row {
            id: group

            required property var modelData

            Repeater {
                model: group.modelData

                Item {
                    id: run

                    required property var modelData
                    readonly property bool boxed: modelData.mark !== "."

                    implicitWidth: glyphs.implicitWidth + (boxed ? 12 : 0)
                    implicitHeight: glyphs.implicitHeight

                    Rectangle {
                        visible: run.modelData.mark === "f" || run.modelData.mark === "x"
                        anchors.centerIn: parent
                        width: parent.width - 2
                        height: serial.size + 12
                        radius: run.modelData.mark === "f" ? 5 : 3
                        color: run.modelData.mark === "x" ? Theme.tone(serial.tone) : "transparent"
                        border.width: run.modelData.mark === "f" ? 2 : 0
                        border.color: Theme.ink
                    }

                    DashedFrame {
                        visible: run.modelData.mark === "d"
                        anchors.centerIn: parent
                        width: parent.width - 2
                        height: serial.size + 12
                        radius: 5
                        stroke: Theme.attention
                    }

                    Text {
                        id: glyphs

                        anchors.centerIn: parent
                        anchors.horizontalCenterOffset: font.letterSpacing / 2
                        text: run.modelData.text
                        color: run.modelData.mark === "x" ? Theme.meaningInk : serial.color
                        textFormat: Text.PlainText
                        font.family: Theme.family
                        font.pixelSize: serial.size
                        font.weight: Font.DemiBold
                        font.letterSpacing: serial.size * 0.04
                        font.features: Theme.serialFigures
                    }
                }
            }
        }
    }
}
