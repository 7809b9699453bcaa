pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// Plazos: orders on time, at risk and late by crew, zone, …, under filters that combine and stay.
FocusScope {
    id: page

    required property AppController app
    readonly property OfficeController office: app.office
    readonly property var table: office.sla
    readonly property var rows: table.rows ?? []
    readonly property bool loaded: (table.project ?? "") !== ""
    readonly property bool wide: width >= 1000
    readonly property int across: wide ? 5 : 3
    // The table follows what is chosen; until it came, what stands here is of before.
    readonly property real choiceWidth: (filters.width - (across - 1) * Theme.gap12) / across

    Flow {
        id: filters

        visible: page.loaded
        x: Theme.margin
        y: Theme.gap16
        width: parent.width - 2 * Theme.margin
        spacing: Theme.gap12

        Dropdown {
            width: page.choiceWidth
            label: qsTr("Ver por")
            current: page.table.groupBy ?? ""
            options: page.table.dimensions ?? []
            onChosen: key => page.office.choose("group_by", key)
        }

        Repeater {
            model: page.table.filters ?? []

            Dropdown {
                required property var modelData

                width: page.choiceWidth
                filter: true
                label: modelData.label
                current: modelData.current
                options: modelData.options
                onChosen: key => page.office.choose(modelData.name, key)
            }
        }
    }

    Column {
        id: notes

        x: Theme.margin
        y: page.loaded ? filters.y + filters.height + Theme.gap12 : Theme.gap16
        width: parent.width - 2 * Theme.margin
        spacing: Theme.gap12

        StaleNote {
            width: parent.width
            fresh: page.table.fresh ?? true
            at: page.table.at ?? ""
        }

        FailureNote {
            width: parent.width
            failure: page.office.failure
            actionText: qsTr("Intentar otra vez")
            onAction: page.office.loadSla()
        }

        ActionButton {
            visible: page.table.filtered === true && page.rows.length > 0
            height: 56
            kind: "plain"
            leftPadding: 0
            text: qsTr("Quitar filtros")
            iconName: "cross"
            iconSize: 22
            onClicked: page.office.choose("", "")
        }
    }

    Card {
        visible: page.rows.length > 0
        x: Theme.margin
        y: notes.y + notes.height + (notes.height > 0 ? Theme.gap12 : 0)
        width: parent.width - 2 * Theme.margin
        height: Math.min(parent.height - y - Theme.gap16, heads.height + list.contentHeight + sum.height + 3)

        SlaColumns {
            id: heads

            width: parent.width
        }

        Hairline {
            y: heads.height
            width: parent.width
            height: 1
        }

        RowList {
            id: list

            x: 1
            y: heads.height + 1
            width: parent.width - 2
            height: parent.height - y - sum.height - 1
            focus: true
            model: page.rows

            delegate: SlaDelegate {
                required property var modelData
                required property int index

                width: list.width
                firstRow: index === 0
                columns: heads
                row: modelData
                onClicked: {
                    page.office.openLate(modelData.key);
                    page.app.go("officeOrders");
                }
            }

            ScrollMark {
                view: list
            }
        }

        SlaDelegate {
            id: sum

            visible: page.table.total !== null && page.table.total !== undefined
            x: 1
            y: parent.height - height - 1
            width: parent.width - 2
            columns: heads
            sum: true
            row: page.table.total ?? ({
                    "title": "",
                    "percent": "",
                    "onTime": "",
                    "atRisk": "",
                    "late": "0",
                    "still": "",
                    "parts": [],
                    "opens": false
                })
        }
    }

    EmptyState {
        visible: page.loaded && page.rows.length === 0 && !page.office.busy && (page.office.failure.message ?? "") === ""
        anchors.centerIn: parent
        width: Math.min(560, parent.width - 48)
        iconName: page.table.filtered === true ? "filter" : "clock"
        text: page.table.filtered === true ? qsTr("Ninguna orden con estos filtros") : qsTr("Ningún plazo corre todavía")
        detail: page.table.filtered === true ? qsTr("Los filtros se combinan: quite uno para ver más.") : qsTr("Aparecen cuando el proyecto tiene reglas de plazo y se emite la primera orden.")
        actionText: page.table.filtered === true ? qsTr("Quitar filtros") : ""
        actionIcon: "cross"
        onAction: page.office.choose("", "")
    }

    EmptyState {
        visible: !page.loaded && !page.office.busy && (page.office.failure.message ?? "") === ""
        anchors.centerIn: parent
        width: Math.min(560, parent.width - 48)
        iconName: "clock"
        text: qsTr("Sin datos todavía")
        detail: qsTr("La oficina no ha cargado ningún proyecto.")
    }

    Spinner {
        visible: !page.loaded && page.office.busy
        anchors.centerIn: parent
        size: 48
    }
}
