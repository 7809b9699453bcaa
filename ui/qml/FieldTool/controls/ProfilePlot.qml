pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme

// One day of a load profile as bars; what is missing is hatched and never drawn as zero.
Item {
    id: plot

    // Numbers or null, one an interval, over `hours` hours.
    required property var values
    property int hours: 24

    // In one piece: with a property each, a new peak would meet the step of the old one for a moment, and the
    // grid would have thousands of lines.
    readonly property var axis: plot.scaleOf(values)
    readonly property real step: axis.step
    readonly property int lines: axis.lines
    readonly property real ceiling: axis.step * axis.lines
    readonly property real inset: 44
    readonly property real plotWidth: width - inset
    readonly property real plotHeight: height - 34
    readonly property real slot: plotWidth / Math.max(1, values.length)

    // Two values make one bar where bars would be thinner than a finger of ink.
    readonly property int perBar: slot < 7 && values.length % 2 === 0 ? 2 : 1
    readonly property var bars: plot.grouped(values, perBar)
    readonly property var gaps: plot.missing(values)

    implicitHeight: 160
    Accessible.role: Accessible.Graphic
    Accessible.name: qsTr("Perfil de carga")

    function scaleOf(values: var): var {
        const peak = Math.max(0.001, ...values.map(value => value ?? 0));
        const step = plot.nice(peak / 2);
        return {
            "step": step,
            "lines": Math.max(1, Math.ceil(peak / step))
        };
    }

    function nice(wanted: real): real {
        const power = Math.pow(10, Math.floor(Math.log10(wanted)));
        for (const factor of [1, 2, 5, 10])
            if (factor * power >= wanted)
                return factor * power;
        return 10 * power;
    }

    function grouped(values: var, count: int): var {
        const result = [];
        for (let at = 0; at < values.length; at += count) {
            const part = values.slice(at, at + count).filter(value => value !== null && value !== undefined);
            result.push(part.length ? part.reduce((sum, value) => sum + value, 0) / part.length : null);
        }
        return result;
    }

    function missing(values: var): var {
        const result = [];
        let start = -1;
        for (let at = 0; at <= values.length; at++) {
            const absent = at < values.length && (values[at] === null || values[at] === undefined);
            if (absent && start < 0)
                start = at;
            if (!absent && start >= 0) {
                result.push({
                    "from": start,
                    "count": at - start
                });
                start = -1;
            }
        }
        return result;
    }

    function number(value: real): string {
        return value.toLocaleString(Qt.locale(), "f", plot.step < 1 ? 1 : 0);
    }

    Repeater {
        model: plot.lines + 1

        Item {
            id: grid

            required property int index

            y: 8 + plot.plotHeight - 8 - index * (plot.plotHeight - 8) / plot.lines
            width: plot.width

            Label {
                x: plot.inset - 10 - width
                anchors.verticalCenter: parent.top
                kind: Label.Caption
                text: plot.number(grid.index * plot.step)
            }

            Rectangle {
                x: plot.inset
                width: plot.plotWidth
                height: grid.index === 0 ? 1 : 1
                color: grid.index === 0 ? Theme.muted : Theme.line
            }
        }
    }

    Repeater {
        model: plot.bars

        Rectangle {
            required property int index
            required property var modelData
            readonly property real barSlot: plot.plotWidth / plot.bars.length

            visible: modelData !== null && modelData !== undefined
            x: plot.inset + index * barSlot + 1
            width: Math.max(1, barSlot - Math.max(1, barSlot * 0.2))
            height: visible ? Math.max(1, modelData / plot.ceiling * (plot.plotHeight - 8)) : 0
            y: plot.plotHeight - height
            color: Theme.action
        }
    }

    Repeater {
        model: plot.gaps

        Item {
            id: gap

            required property var modelData

            x: plot.inset + modelData.from * plot.slot
            y: 8 + (plot.plotHeight - 8) * 0.3
            width: modelData.count * plot.slot
            height: plot.plotHeight - y
            clip: true

            Rectangle {
                anchors.fill: parent
                color: Theme.attentionTint
            }

            Repeater {
                model: Math.ceil((gap.width + gap.height) / 10)

                Rectangle {
                    required property int index

                    x: index * 10 - gap.height
                    y: gap.height / 2 - 1
                    width: gap.height * 1.5
                    height: 3
                    rotation: -45
                    color: Theme.attention
                }
            }

            Rectangle {
                anchors.fill: parent
                color: "transparent"
                border.width: 2
                border.color: Theme.attention
            }
        }
    }

    Repeater {
        model: 9

        Label {
            required property int index

            y: plot.plotHeight + 8
            x: Math.min(plot.width - width, Math.max(plot.inset, plot.inset + index * plot.plotWidth / 8 - (index === 0 ? 0 : width / 2)))
            kind: Label.Caption
            visible: plot.width > 600 || index % 2 === 0
            text: String(index * plot.hours / 8).padStart(2, "0") + ":00"
        }
    }
}
