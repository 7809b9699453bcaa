import QtQuick
import QtQuick.Shapes
import FieldTool.theme

// A rounded frame of dashes: not possible yet, not read yet.
Shape {
    id: frame

    property color stroke: Theme.edge
    property color fill: "transparent"
    property real lineWidth: 2
    property real radius: Theme.radius

    ShapePath {
        strokeColor: frame.stroke
        strokeWidth: frame.lineWidth
        strokeStyle: ShapePath.DashLine
        dashPattern: [3, 2.4]
        fillColor: frame.fill
        capStyle: ShapePath.FlatCap

        PathRectangle {
            x: frame.lineWidth / 2
            y: frame.lineWidth / 2
            width: frame.width - frame.lineWidth
            height: frame.height - frame.lineWidth
            radius: frame.radius
        }
    }
}
