import QtQuick
import FieldTool.theme

// What kind of work an order is, as an icon in a tile.
Rectangle {
    id: tile

    property string kind: ""
    property bool current: false

    readonly property var names: ({
            "exchange": "exchange",
            "install": "install",
            "remove": "remove",
            "investigate": "inspect",
            "inspect": "inspect",
            "connect": "reconnect",
            "disconnect": "relay",
            "reconnect": "reconnect",
            "installConcentrator": "concentrator",
            "installPanel": "panel",
            "installTotalizer": "scale"
        })

    implicitWidth: 48
    implicitHeight: 48
    radius: Theme.radius
    color: current ? Theme.action : Theme.ground

    Icon {
        anchors.centerIn: parent
        name: tile.names[tile.kind] ?? "orders"
        size: 28
        color: tile.current ? Theme.actionInk : Theme.ink
    }
}
