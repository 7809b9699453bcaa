pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme

// A place in the network tree, from the substation down; wraps.
Flow {
    id: crumb

    property var parts: []

    spacing: 6
    Accessible.role: Accessible.StaticText
    Accessible.name: parts.join(", ")

    Repeater {
        model: crumb.parts

        Row {
            id: part

            required property string modelData
            required property int index

            spacing: 6

            Icon {
                visible: part.index > 0
                anchors.verticalCenter: parent.verticalCenter
                name: "next"
                size: 20
                color: Theme.muted
            }

            Label {
                kind: Label.Title
                font.weight: part.index === crumb.parts.length - 1 ? Font.DemiBold : Font.Normal
                text: part.modelData
            }
        }
    }
}
