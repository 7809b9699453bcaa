import QtQuick
import FieldTool.theme

// A count beside an icon.
Rectangle {
    id: badge

    property int count: 0

    visible: count > 0
    implicitHeight: 24
    implicitWidth: Math.max(24, number.implicitWidth + 14)
    radius: 12
    color: Theme.ink

    Label {
        id: number

        anchors.centerIn: parent
        kind: Label.Caption
        strong: true
        color: Theme.surface
        text: badge.count > 999 ? "999+" : badge.count
    }
}
