import QtQuick
import FieldTool.theme

// That there is more than fits, and where one is; no control, only a mark.
Rectangle {
    id: mark

    required property Flickable view

    parent: view
    anchors.right: parent.right
    anchors.rightMargin: 0
    y: view.visibleArea.yPosition * view.height
    width: 4
    height: Math.max(32, view.visibleArea.heightRatio * view.height)
    radius: 2
    color: Theme.edge
    visible: view.visibleArea.heightRatio < 1
}
