import QtQuick
import FieldTool.theme

Rectangle {
    property bool vertical: false

    implicitWidth: 1
    implicitHeight: 1
    color: Theme.line
}
