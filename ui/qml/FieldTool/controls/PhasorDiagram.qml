pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Shapes
import FieldTool.theme

// Voltages thin in ink, currents thick in the action colour, a wrong one in *wrong* with its expected place dashed.
Item {
    id: diagram

    required property var vectors
    property string rotationTone: ""

    readonly property real centreX: width / 2
    readonly property real centreY: height / 2
    readonly property real reach: Math.min(width / 2 - 36, height / 2 - 26)

    implicitWidth: 280
    implicitHeight: 256
    Accessible.role: Accessible.Graphic
    Accessible.name: qsTr("Diagrama fasorial")

    function px(angle: real, length: real): real {
        return centreX + Math.sin(angle * Math.PI / 180) * reach * length;
    }

    function py(angle: real, length: real): real {
        return centreY - Math.cos(angle * Math.PI / 180) * reach * length;
    }

    Rectangle {
        anchors.centerIn: parent
        width: diagram.reach * 2
        height: width
        radius: width / 2
        color: "transparent"
        border.width: 2
        border.color: Theme.line
    }

    Rectangle {
        anchors.centerIn: parent
        width: diagram.reach
        height: width
        radius: width / 2
        color: "transparent"
        border.width: 1
        border.color: Theme.line
    }

    Repeater {
        model: 12

        Rectangle {
            required property int index

            x: diagram.px(index * 30, 1) - 5
            y: diagram.py(index * 30, 1) - 1
            width: 10
            height: 2
            rotation: index * 30 + 90
            color: Theme.muted
            opacity: 0.7
        }
    }

    component Arrow: Shape {
        id: arrow

        property real angle: 0
        property real length: 1
        property real lineWidth: 2.5
        property real head: 12
        property color color: Theme.ink

        readonly property real tipX: diagram.px(angle, length)
        readonly property real tipY: diagram.py(angle, length)
        readonly property real baseX: diagram.px(angle, length) - Math.sin(angle * Math.PI / 180) * head
        readonly property real baseY: diagram.py(angle, length) + Math.cos(angle * Math.PI / 180) * head
        readonly property real sideX: Math.cos(angle * Math.PI / 180) * head * 0.46
        readonly property real sideY: Math.sin(angle * Math.PI / 180) * head * 0.46

        anchors.fill: parent

        ShapePath {
            strokeColor: arrow.color
            strokeWidth: arrow.lineWidth
            fillColor: "transparent"
            startX: diagram.centreX
            startY: diagram.centreY

            PathLine {
                x: arrow.baseX
                y: arrow.baseY
            }
        }

        ShapePath {
            strokeWidth: -1
            fillColor: arrow.color
            startX: arrow.tipX
            startY: arrow.tipY

            PathLine {
                x: arrow.baseX + arrow.sideX
                y: arrow.baseY + arrow.sideY
            }

            PathLine {
                x: arrow.baseX - arrow.sideX
                y: arrow.baseY - arrow.sideY
            }
        }
    }

    Repeater {
        model: diagram.vectors

        Item {
            id: vector

            required property var modelData
            readonly property bool current: modelData.kind === "current"
            readonly property color tone: modelData.wrong ? Theme.wrong : current ? Theme.action : Theme.ink
            // Names of currents stand beside the tip, those of voltages beyond it.
            readonly property real nameAt: current ? modelData.length + 0.14 : 1.16

            anchors.fill: parent

            Shape {
                visible: vector.modelData.expected >= 0
                anchors.fill: parent

                ShapePath {
                    strokeColor: Theme.wrong
                    strokeWidth: 2.5
                    strokeStyle: ShapePath.DashLine
                    dashPattern: [2.4, 2]
                    fillColor: "transparent"
                    startX: diagram.centreX
                    startY: diagram.centreY

                    PathLine {
                        x: diagram.px(vector.modelData.expected, vector.modelData.length)
                        y: diagram.py(vector.modelData.expected, vector.modelData.length)
                    }
                }
            }

            Label {
                visible: vector.modelData.expected >= 0
                x: diagram.px(vector.modelData.expected, vector.modelData.length + 0.25) - width / 2 + 4
                y: diagram.py(vector.modelData.expected, vector.modelData.length + 0.25) - height / 2
                kind: Label.Caption
                strong: true
                color: Theme.wrong
                text: qsTr("%1 sería").arg(vector.modelData.name)
            }

            Arrow {
                angle: vector.modelData.angle
                length: vector.modelData.length
                lineWidth: vector.current ? 5 : 2.5
                head: vector.current ? 18 : 13
                color: vector.tone
            }

            Label {
                x: diagram.px(vector.modelData.angle, vector.nameAt) - width / 2 + (vector.current && vector.modelData.angle > 180 ? -6 : 0)
                y: diagram.py(vector.modelData.angle, vector.nameAt) - height / 2
                strong: true
                color: vector.tone
                text: vector.modelData.name
            }
        }
    }

    // From U1 towards U2: clockwise where the rotation is right.
    Shape {
        visible: diagram.rotationTone !== ""
        anchors.fill: parent
        transform: Scale {
            origin.x: diagram.centreX
            xScale: diagram.rotationTone === "wrong" ? -1 : 1
        }

        ShapePath {
            strokeColor: Theme.tone(diagram.rotationTone)
            strokeWidth: 3.5
            fillColor: "transparent"
            startX: diagram.px(150, 0.5)
            startY: diagram.py(150, 0.5)

            PathArc {
                x: diagram.px(204, 0.5)
                y: diagram.py(204, 0.5)
                radiusX: diagram.reach * 0.5
                radiusY: diagram.reach * 0.5
            }
        }

        ShapePath {
            strokeWidth: -1
            fillColor: Theme.tone(diagram.rotationTone)
            startX: diagram.px(213, 0.53)
            startY: diagram.py(213, 0.53)

            PathLine {
                x: diagram.px(198, 0.6)
                y: diagram.py(198, 0.6)
            }

            PathLine {
                x: diagram.px(198, 0.41)
                y: diagram.py(198, 0.41)
            }
        }
    }

    Rectangle {
        anchors.centerIn: parent
        width: 9
        height: 9
        radius: 4.5
        color: Theme.ink
    }
}
