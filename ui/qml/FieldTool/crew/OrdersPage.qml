pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// Today first, then late, then the rest; search by serial, supply number or address, or by scanning.
FocusScope {
    id: page

    required property AppController app
    readonly property OrdersController orders: app.orders
    readonly property bool narrow: width < 700
    readonly property bool hasPanels: (app.panel.panel.rows ?? []).length > 0 || (app.panel.panel.key ?? "") !== ""

    Component.onCompleted: app.panel.load()

    component OrdersHead: Item {
        implicitHeight: Theme.target

        InputField {
            id: search

            width: (panel.visible ? panel.x : scan.x) - Theme.gap24
            iconName: "search"
            clearable: true
            placeholderText: qsTr("Buscar serie, suministro o dirección")
            text: page.orders.search
            onTextEdited: page.orders.setSearch(text)
        }

        ActionButton {
            id: panel

            visible: page.hasPanels
            anchors.right: scan.left
            anchors.rightMargin: Theme.gap24
            text: page.narrow ? "" : qsTr("Panel")
            Accessible.name: qsTr("Recorrer un panel con la sonda")
            iconName: "panel"
            width: page.narrow ? Theme.target : Math.max(140, implicitWidth)
            leftPadding: page.narrow ? 0 : Theme.gap24
            rightPadding: leftPadding
            onClicked: page.app.go("panel")
        }

        ActionButton {
            id: scan

            anchors.right: parent.right
            text: page.narrow ? "" : qsTr("Escanear")
            Accessible.name: qsTr("Escanear")
            iconName: "scan"
            width: page.narrow ? Theme.target : Math.max(184, implicitWidth)
            leftPadding: page.narrow ? 0 : Theme.gap24
            rightPadding: leftPadding
            onClicked: page.orders.scan()
        }
    }

    OrdersHead {
        id: head

        x: Theme.margin
        y: Theme.margin
        width: parent.width - 2 * Theme.margin
    }

    FailureNote {
        id: failure

        anchors.top: head.bottom
        anchors.topMargin: visible ? Theme.gap12 : 0
        x: Theme.margin
        width: head.width
        failure: page.orders.failure
        actionText: qsTr("Volver a leer")
        onAction: page.orders.load()
    }

    RowList {
        id: list

        anchors.top: failure.bottom
        anchors.bottom: parent.bottom
        x: Theme.margin
        width: head.width + Theme.gap16
        focus: true
        visible: count > 0
        model: page.orders.model
        bottomMargin: Theme.margin
        reuseItems: true
        section.property: "section"
        section.delegate: SectionTitle {
            required property string section

            width: head.width
            text: page.sectionTitle(section)
            detail: page.sectionDetail(section)
        }
        delegate: OrderDelegate {
            width: head.width
            onClicked: page.app.openOrder(model.id)
        }

        ScrollMark {
            view: list
        }
    }

    EmptyState {
        visible: page.orders.loaded && page.orders.model.count === 0 && !failure.visible
        anchors.centerIn: parent
        anchors.verticalCenterOffset: 40
        width: Math.min(560, parent.width - 2 * Theme.margin)
        iconName: page.empty.icon
        text: page.empty.text
        detail: page.empty.detail
        actionText: page.empty.action
        actionIcon: page.empty.actionIcon
        onAction: page.orders.search === "" ? page.app.go("sync") : page.orders.setSearch("")
    }

    readonly property var empty: {
        if (page.orders.search !== "")
            return {
                "icon": "search",
                "text": qsTr("Nada con «%1»").arg(page.orders.search),
                "detail": qsTr("Pruebe con menos cifras, o escanee la etiqueta del medidor."),
                "action": qsTr("Ver todas las órdenes"),
                "actionIcon": "orders"
            };
        if (!page.app.status.last)
            return {
                "icon": "download",
                "text": qsTr("Todavía no se ha sincronizado"),
                "detail": qsTr("Con señal, la primera vez baja las órdenes, los planos y las existencias. Después se trabaja sin conexión."),
                "action": qsTr("Sincronizar"),
                "actionIcon": "sync"
            };
        return {
            "icon": "confirm",
            "text": qsTr("No quedan órdenes"),
            "detail": qsTr("Cuando la oficina asigne otras, llegan al sincronizar."),
            "action": qsTr("Sincronizar"),
            "actionIcon": "sync"
        };
    }

    function sectionTitle(section: string): string {
        if (section === "today")
            return qsTr("Hoy");
        if (section === "done")
            return qsTr("Hechas");
        return section === "late" ? qsTr("Atrasadas") : qsTr("Más adelante");
    }

    function sectionDetail(section: string): string {
        const count = page.orders.counts[section] ?? 0;
        const orders = qsTr("%n órdenes", "", count);
        if (section !== "today" || page.orders.search !== "")
            return orders;
        return page.app.status.today ? page.app.status.today : orders;
    }
}
