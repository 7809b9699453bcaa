import QtQuick
import FieldTool.theme

// Title of a list section, with what is known about it beside it.
Item {
    id: section

    property string text: ""
    property string detail: ""

    implicitHeight: 52
    implicitWidth: line.implicitWidth

    Row {
        id: line

        anchors.left: parent.left
        anchors.verticalCenter: parent.verticalCenter
        spacing: Theme.gap12

        Label {
            id: title

            kind: Label.Title
            text: section.text
        }

        Label {
            anchors.baseline: title.baseline
            text: section.detail
            color: Theme.muted
        }
    }
}
