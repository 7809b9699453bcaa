pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// Huérfanos: devices that record and network do not agree about; a list, its filters, and what to do with the open one.
FocusScope {
    id: page

    required property AppController app
    readonly property OrphansController orphans: app.orphans
    readonly property var shown: orphans.list
    readonly property var rows: shown.rows ?? []
    readonly property var device: orphans.open
    readonly property bool deviceOpen: device.key !== undefined
    readonly property bool wide: width >= 900

    Keys.onEscapePressed: page.orphans.show("")

    Flow {
        id: filters

        visible: page.wide || !page.deviceOpen
        x: Theme.margin
        y: Theme.gap16
        width: parent.width - 2 * Theme.margin
        spacing: Theme.gap12

        Dropdown {
            width: page.wide ? 320 : parent.width
            label: qsTr("Lista")
            current: page.shown.which ?? ""
            options: page.shown.lists ?? []
            onChosen: key => page.orphans.choose(key)
        }

        Dropdown {
            width: page.wide ? 260 : (parent.width - Theme.gap12) / 2
            filter: true
            label: qsTr("Zona")
            current: page.shown.zone ?? ""
            options: page.shown.zones ?? []
            onChosen: key => page.orphans.chooseZone(key)
        }

        Dropdown {
            width: page.wide ? 200 : (parent.width - Theme.gap12) / 2
            filter: true
            label: qsTr("Cuadrilla")
            current: page.shown.crew ?? ""
            options: page.shown.crews ?? []
            onChosen: key => page.orphans.chooseCrew(key)
        }
    }

    Item {
        id: side

        visible: filters.visible
        x: Theme.margin
        anchors.top: filters.bottom
        anchors.topMargin: Theme.gap12
        anchors.bottom: parent.bottom
        width: page.wide && page.rows.length > 0 ? 480 : parent.width - 2 * Theme.margin

        StaleNote {
            id: stale

            width: parent.width
            fresh: page.shown.fresh ?? true
            at: page.shown.at ?? ""
        }

        FailureNote {
            id: failed

            anchors.top: stale.bottom
            width: parent.width
            failure: page.orphans.failure
            actionText: qsTr("Probar otra vez")
            onAction: page.orphans.load()
        }

        Label {
            id: count

            anchors.top: failed.bottom
            anchors.topMargin: stale.visible || failed.visible ? Theme.gap12 : 0
            color: Theme.muted
            text: page.shown.detail ?? ""
        }

        Card {
            visible: page.rows.length > 0
            anchors.top: count.bottom
            anchors.topMargin: Theme.gap8
            width: parent.width
            height: Math.min(parent.height - y - Theme.gap16, list.contentHeight + 2)

            RowList {
                id: list

                anchors.fill: parent
                anchors.margins: 1
                focus: true
                model: page.rows

                delegate: CaseDelegate {
                    required property var modelData
                    required property int index

                    firstRow: index === 0
                    width: list.width
                    row: ({
                            "title": modelData.serial,
                            "detail": modelData.detail,
                            "age": modelData.age,
                            "icon": modelData.icon,
                            "tone": "attention"
                        })
                    chosen: page.device.key === modelData.key
                    onClicked: page.orphans.show(modelData.key)
                }

                footer: ActionButton {
                    visible: page.shown.more === true
                    width: list.width
                    height: visible ? 64 : 0
                    kind: "plain"
                    text: qsTr("Ver más")
                    iconName: "open"
                    onClicked: page.orphans.more()
                }

                ScrollMark {
                    view: list
                }
            }
        }

        EmptyState {
            visible: page.rows.length === 0 && !page.orphans.busy && !failed.visible
            anchors.centerIn: parent
            width: Math.min(560, parent.width - 24)
            iconName: "good"
            text: qsTr("Ninguno en esta lista")
            detail: qsTr("El registro y la red dicen lo mismo.")
        }
    }

    ActionButton {
        id: back

        visible: !page.wide && page.deviceOpen
        x: Theme.margin
        y: Theme.gap12
        height: 56
        text: qsTr("Huérfanos")
        iconName: "back"
        iconSize: 22
        onClicked: page.orphans.show("")
    }

    // What is known of the open device, and what to do.
    Flickable {
        id: detail

        visible: page.rows.length > 0 && (page.wide || page.deviceOpen)
        x: page.wide ? side.x + side.width + Theme.gap16 : Theme.margin
        y: back.visible ? back.y + back.height + Theme.gap12 : side.y + count.y + count.height + Theme.gap8
        width: parent.width - x - Theme.margin
        height: parent.height - y - Theme.gap16
        contentHeight: facts.implicitHeight
        boundsBehavior: Flickable.StopAtBounds
        interactive: contentHeight > height
        clip: interactive

        Column {
            id: facts

            width: detail.width
            spacing: Theme.gap12

            Card {
                width: parent.width
                tone: "attention"
                height: todo.implicitHeight + 2 * Theme.gap16

                Icon {
                    x: Theme.gap16
                    anchors.verticalCenter: parent.verticalCenter
                    name: "attention"
                    size: 28
                    color: Theme.attention
                }

                Label {
                    id: todo

                    x: 60
                    y: Theme.gap16
                    width: parent.width - x - Theme.gap16
                    text: page.shown.todo ?? ""
                    wrapMode: Text.WordWrap
                }
            }

            Label {
                visible: !page.deviceOpen
                width: parent.width
                color: Theme.muted
                text: qsTr("Elija un equipo para ver qué dice cada lado.")
                wrapMode: Text.WordWrap
            }

            SerialText {
                visible: page.deviceOpen
                text: page.device.serial ?? ""
            }

            Grid {
                id: grid

                visible: page.deviceOpen
                width: parent.width
                columns: width >= 560 ? 2 : 1
                spacing: Theme.gap12

                Repeater {
                    model: page.device.facts ?? []

                    FactCard {
                        required property var modelData

                        width: (grid.width - (grid.columns - 1) * grid.spacing) / grid.columns
                        fact: modelData
                    }
                }
            }

            ActionButton {
                visible: (page.device.orderId ?? "") !== ""
                height: Theme.target
                kind: "primary"
                text: qsTr("Abrir la orden")
                iconName: "orders"
                onClicked: {
                    page.app.office.openOrder(page.device.orderId);
                    page.app.go("officeOrders");
                }
            }
        }

        ScrollMark {
            view: detail
        }
    }
}
