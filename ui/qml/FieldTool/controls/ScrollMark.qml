import QtQuick
import FieldTool.theme

// That there is more than fits, and where one is; no control, only a mark.
Rectangle {
    id: mark

    required property Flickable view
    // For what is wider than its view; another one says what is higher.
    property bool sideways: false
    readonly property real share: sideways ? view.visibleArea.widthRatio : view.visibleArea.heightRatio

    parent: view
    x: sideways ? view.visibleArea.xPosition * view.width : view.width - width
    y: sideways ? view.height - height : view.visibleArea.yPosition * view.height
    width: sideways ? Math.max(32, share * view.width) : 4
    height: sideways ? 4 : Math.max(32, share * view.height)
    radius: 2
    color: Theme.edge
    visible: share < 1
}
