pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// The places of the program: on the left when wide, at the bottom when narrow. Only places that work are shown.
Rectangle {
    id: rail

    required property var places
    required property string current
    property bool atBottom: false
    property int itemSize: 96

    signal chosen(string place)

    implicitWidth: atBottom ? 0 : Theme.rail
    implicitHeight: atBottom ? itemSize : 0
    color: Theme.surface

    Flow {
        id: items

        visible: true
        x: 0
        y: rail.atBottom ? 0 : 8
        width: rail.atBottom ? parent.width : Theme.rail
        spacing: rail.atBottom ? 0 : Math.max(0, Math.min(8, (rail.height - rail.places.length * rail.itemSize - 24) / rail.places.length))

        Repeater {
            model: rail.atBottom ? rail.places : rail.places.filter(place => place.end !== true)

            RailItem {
                required property var modelData

                width: rail.atBottom ? Math.floor(rail.width / rail.places.length) : Theme.rail
                height: rail.itemSize
                atBottom: rail.atBottom
                text: modelData.text
                iconName: modelData.icon
                count: modelData.count ?? 0
                current: rail.current === modelData.key
                onClicked: rail.chosen(modelData.key)
            }
        }
    }

    Column {
        visible: !rail.atBottom
        anchors.bottom: parent.bottom
        anchors.bottomMargin: 8
        width: Theme.rail

        Repeater {
            model: rail.atBottom ? [] : rail.places.filter(place => place.end === true)

            RailItem {
                required property var modelData

                height: rail.itemSize
                text: modelData.text
                iconName: modelData.icon
                count: modelData.count ?? 0
                current: rail.current === modelData.key
                onClicked: rail.chosen(modelData.key)
            }
        }
    }

    Hairline {
        x: rail.atBottom ? 0 : parent.width - 1
        width: rail.atBottom ? parent.width : 1
        height: rail.atBottom ? 1 : parent.height
    }
}
