import QtQuick
import FieldTool.theme

// Where in a long list one is; no control, only a mark.
Rectangle {
    id: mark

    required property Flickable view

    parent: view
    anchors.right: parent.right
    anchors.rightMargin: 2
    y: view.visibleArea.yPosition * view.height
    width: 4
    height: Math.max(32, view.visibleArea.heightRatio * view.height)
    radius: 2
    color: Theme.edge
    visible: view.visibleArea.heightRatio < 1
    opacity: view.moving ? 1 : 0

    Behavior on opacity {
        NumberAnimation {
            duration: Theme.slow
        }
    }
}
