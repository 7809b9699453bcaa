import QtQuick
import FieldTool.theme

// Shown where the keyboard is: two lines, so that it is seen on any ground.
Rectangle {
    anchors.fill: parent
    anchors.margins: -4
    color: "transparent"
    radius: Theme.radius + 4
    border.width: 3
    border.color: Theme.action
}
