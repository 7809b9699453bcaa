pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Shapes
import FieldTool.theme
import FieldTool.controls

// Planned against done over time; today is a line, the gap is said in days.
Item {
    id: plot

    required property var curve

    readonly property real inset: 64
    readonly property real plotWidth: width - inset - 8
    readonly property real plotHeight: height - 30
    readonly property var lastDone: (curve.done ?? []).length > 0 ? curve.done[curve.done.length - 1] : [0, 0]
    // Height of the plan on the day of today, from the points around it.
    readonly property real plannedNow: {
        const points = curve.planned ?? [];
        const after = points.findIndex(point => point[0] >= (curve.now ?? 1));
        if (after <= 0)
            return points.length > 0 ? points[after === 0 ? 0 : points.length - 1][1] : 0;
        const before = points[after - 1];
        const share = (curve.now - before[0]) / Math.max(1e-9, points[after][0] - before[0]);
        return before[1] + share * (points[after][1] - before[1]);
    }
    readonly property real todayX: inset + (curve.now ?? 1) * plotWidth
    // Words stand on the side of today's line that has more room.
    readonly property bool wordsLeft: todayX > inset + plotWidth * 0.6

    Accessible.role: Accessible.Graphic
    Accessible.name: (curve.doneText ?? "") + ", " + (curve.plannedText ?? "") + ". " + (curve.gapText ?? "")

    function placed(points: var): var {
        return (points ?? []).map(point => Qt.point(plot.inset + point[0] * plot.plotWidth, 8 + (1 - point[1]) * (plot.plotHeight - 8)));
    }

    Repeater {
        model: plot.curve.levels ?? []

        Item {
            id: level

            required property var modelData

            y: 8 + (1 - modelData.at) * (plot.plotHeight - 8)
            width: plot.width

            Label {
                x: plot.inset - 10 - width
                anchors.verticalCenter: parent.top
                kind: Label.Caption
                text: level.modelData.label
            }

            Rectangle {
                x: plot.inset
                width: plot.plotWidth
                height: 1
                color: level.modelData.at === 0 ? Theme.muted : Theme.line
            }
        }
    }

    Shape {
        anchors.fill: parent
        visible: (plot.curve.done ?? []).length > 1

        ShapePath {
            fillColor: Theme.selection
            strokeColor: "transparent"

            PathPolyline {
                path: {
                    const points = plot.placed(plot.curve.done);
                    if (points.length < 2)
                        return points;
                    const floor = plot.plotHeight;
                    return [Qt.point(points[0].x, floor)].concat(points, [Qt.point(points[points.length - 1].x, floor)]);
                }
            }
        }

        ShapePath {
            fillColor: "transparent"
            strokeColor: Theme.muted
            strokeWidth: 2.25
            strokeStyle: ShapePath.DashLine
            dashPattern: [3, 3]

            PathPolyline {
                path: plot.placed(plot.curve.planned)
            }
        }

        ShapePath {
            fillColor: "transparent"
            strokeColor: Theme.action
            strokeWidth: 4
            capStyle: ShapePath.RoundCap
            joinStyle: ShapePath.RoundJoin

            PathPolyline {
                path: plot.placed(plot.curve.done)
            }
        }
    }

    Rectangle {
        x: plot.todayX - 1
        y: 8
        width: 2
        height: plot.plotHeight - 8
        color: Theme.ink
    }

    Rectangle {
        id: dot

        x: plot.inset + plot.lastDone[0] * plot.plotWidth - 7
        y: 8 + (1 - plot.lastDone[1]) * (plot.plotHeight - 8) - 7
        width: 14
        height: 14
        radius: 7
        color: Theme.action
        border.width: 2
        border.color: Theme.surface
    }

    // The plan is said above its line, what was done below its own, so that no word stands on a line.
    Label {
        x: Math.max(plot.inset + 4, plot.todayX - width - 14)
        y: Math.max(8, 8 + (1 - plot.plannedNow) * (plot.plotHeight - 8) - height - 8)
        visible: plot.plannedNow > 0.08
        strong: true
        color: Theme.muted
        text: plot.curve.plannedText ?? ""
    }

    Column {
        x: plot.wordsLeft ? plot.todayX - width - 16 : plot.todayX + 14
        y: Math.min(plot.plotHeight - height - 6, dot.y + 18)
        spacing: 1

        Label {
            strong: true
            color: Theme.action
            text: plot.curve.doneText ?? ""
        }

        Label {
            visible: text !== ""
            font.pixelSize: Theme.caption
            text: plot.curve.gapText ?? ""
        }
    }

    Repeater {
        model: plot.curve.days ?? []

        Label {
            required property var modelData

            x: Math.max(plot.inset, Math.min(plot.width - width, plot.inset + modelData.at * plot.plotWidth - width / 2))
            y: plot.plotHeight + 8
            kind: Label.Caption
            text: modelData.label
        }
    }
}
