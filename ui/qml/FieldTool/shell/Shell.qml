pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Templates as T
import FieldTool.Core
import FieldTool.theme
import FieldTool.crew
import FieldTool.supervisor

// The window: strip, rail, the page of the current place, toasts.
T.ApplicationWindow {
    id: shell

    required property AppController app

    readonly property bool narrow: width < Theme.narrowBelow
    readonly property bool hasRail: !["signIn", "procedure"].includes(app.place)
    readonly property string railPlace: {
        const place = app.place === "recording" ? app.recording.origin : app.place;
        if (["bench", "stock", "kept", "officeStock"].includes(place))
            return "more";
        if (place === "image")
            return "meter";
        return ["order", "notDone", "otherWork", "panel"].includes(place) ? "orders" : place;
    }

    readonly property var places: app.session.role === "supervisor" ? officePlaces : crewPlaces
    readonly property var officePlaces: [
        {
            "key": "board",
            "text": qsTr("Tablero"),
            "icon": "board"
        },
        {
            "key": "sla",
            "text": qsTr("Plazos"),
            "icon": "clock"
        },
        {
            "key": "exceptions",
            "text": qsTr("Excepciones"),
            "icon": "exceptions",
            "count": shell.app.office.board.openCases ?? 0
        },
        {
            "key": "officeOrders",
            "text": qsTr("Órdenes"),
            "icon": "orders"
        },
        {
            "key": "orphans",
            "text": qsTr("Huérfanos"),
            "icon": "joinFailed"
        },
        {
            "key": "more",
            "text": qsTr("Más"),
            "icon": "more",
            "end": true
        }
    ]
    readonly property var crewPlaces: [
        {
            "key": "orders",
            "text": qsTr("Órdenes"),
            "icon": "orders"
        },
        {
            "key": "meter",
            "text": qsTr("Medidor"),
            "icon": "meter"
        },
        {
            "key": "sync",
            "text": qsTr("Sincronizar"),
            "icon": "sync",
            "count": shell.app.status.waiting ?? 0
        },
        {
            "key": "more",
            "text": qsTr("Más"),
            "icon": "more",
            "end": true
        }
    ]

    width: 1280
    height: 800
    minimumWidth: 640
    minimumHeight: 600
    visible: true
    title: qsTr("Cambio de medidores")
    color: Theme.ground

    Binding {
        target: Theme
        property: "dark"
        value: shell.app.dark
    }

    Binding {
        target: Theme
        property: "reducedMotion"
        value: shell.app.reducedMotion
    }

    Strip {
        id: strip

        width: parent.width
        status: shell.app.status
        onToggleTheme: shell.app.toggleTheme()
    }

    // A slow answer of the office shows that it is on its way; what stands on the page is of before.
    AskingLine {
        z: 1
        y: strip.height
        width: parent.width
        asking: shell.app.office.busy || shell.app.orphans.busy || shell.app.kept.busy || shell.app.officeStock.busy
    }

    Rail {
        id: rail

        visible: shell.hasRail
        atBottom: shell.narrow
        places: shell.places
        current: shell.railPlace
        x: 0
        y: atBottom ? shell.height - itemSize : strip.height
        width: atBottom ? shell.width : Theme.rail
        height: atBottom ? itemSize : shell.height - strip.height
        onChosen: place => shell.app.go(place)
    }

    Loader {
        id: pageLoader

        x: rail.visible && !rail.atBottom ? rail.width : 0
        y: strip.height
        width: shell.width - x
        height: shell.height - y - (rail.visible && rail.atBottom ? rail.height : 0)
        focus: true
        clip: true
        sourceComponent: shell.pages[shell.app.place] ?? null
        Keys.onTabPressed: shell.enterPage()
        // A keyboard goes on in the page that has just opened.
        onLoaded: {
            (item as Item).focus = true;
            forceActiveFocus();
        }
    }

    Loader {
        id: scanLoader

        y: strip.height
        width: shell.width
        height: shell.height - y
        active: shell.app.scan.open
        sourceComponent: scanView
        onLoaded: {
            (item as Item).focus = true;
            forceActiveFocus();
        }
        onActiveChanged: if (!active) pageLoader.forceActiveFocus()
    }

    Component {
        id: scanView

        ScanView {
            scan: shell.app.scan
        }
    }

    ToastHost {
        id: toasts

        anchors.fill: pageLoader
    }

    Connections {
        target: shell.app

        function onToast(text: string, tone: string): void {
            toasts.show(text, tone);
        }
    }

    Component.onCompleted: shell.app.begin()

    // What a keyboard comes to is brought into view.
    onActiveFocusItemChanged: if (activeFocusItem !== null)
        shell.reveal(activeFocusItem)

    // From a page that has just opened the first Tab leads into it, not round the window by the strip.
    function enterPage(): void {
        const first = activeFocusItem?.nextItemInFocusChain(true) ?? null;
        if (first !== null)
            first.forceActiveFocus(Qt.TabFocusReason);
    }

    function reveal(item: Item): void {
        let around = item.parent;
        while (around !== null && !(around instanceof Flickable))
            around = around.parent;
        const page = around as Flickable;
        if (page === null || !page.interactive || page instanceof ListView)
            return;
        const top = item.mapToItem(page.contentItem, 0, 0).y;
        const margin = Theme.gap16;
        if (top - margin < page.contentY)
            page.contentY = Math.max(0, top - margin);
        else if (top + item.height + margin > page.contentY + page.height)
            page.contentY = Math.min(page.contentHeight - page.height, top + item.height + margin - page.height);
    }

    Component {
        id: signInPage

        SignInPage {
            app: shell.app
        }
    }

    Component {
        id: ordersPage

        OrdersPage {
            app: shell.app
        }
    }

    Component {
        id: orderPage

        OrderPage {
            app: shell.app
        }
    }

    Component {
        id: procedurePage

        ProcedurePage {
            app: shell.app
        }
    }

    Component {
        id: notDonePage

        NotDonePage {
            app: shell.app
        }
    }

    Component {
        id: otherWorkPage

        OtherWorkPage {
            app: shell.app
        }
    }

    Component {
        id: meterPage

        MeterPage {
            app: shell.app
        }
    }

    Component {
        id: imagePage

        ImagePage {
            app: shell.app
        }
    }

    Component {
        id: recordingPage

        RecordingPage {
            app: shell.app
        }
    }

    Component {
        id: panelPage

        PanelPage {
            app: shell.app
        }
    }

    Component {
        id: benchPage

        BenchPage {
            app: shell.app
        }
    }

    Component {
        id: syncPage

        SyncPage {
            app: shell.app
        }
    }

    Component {
        id: morePage

        MorePage {
            app: shell.app
        }
    }

    Component {
        id: stockPage

        StockPage {
            app: shell.app
        }
    }

    Component {
        id: networkPage

        NetworkPage {
            app: shell.app
        }
    }

    Component {
        id: boardPage

        BoardPage {
            app: shell.app
        }
    }

    Component {
        id: exceptionsPage

        ExceptionsPage {
            app: shell.app
        }
    }

    Component {
        id: slaPage

        SlaPage {
            app: shell.app
        }
    }

    Component {
        id: officeOrdersPage

        OfficeOrdersPage {
            app: shell.app
        }
    }

    Component {
        id: officeStockPage

        OfficeStockPage {
            app: shell.app
        }
    }

    Component {
        id: keptPage

        KeptPage {
            app: shell.app
        }
    }

    Component {
        id: orphansPage

        OrphansPage {
            app: shell.app
        }
    }

    readonly property var pages: ({
            "signIn": signInPage,
            "orders": ordersPage,
            "order": orderPage,
            "procedure": procedurePage,
            "notDone": notDonePage,
            "otherWork": otherWorkPage,
            "meter": meterPage,
            "image": imagePage,
            "recording": recordingPage,
            "panel": panelPage,
            "bench": benchPage,
            "sync": syncPage,
            "more": morePage,
            "stock": stockPage,
            "network": networkPage,
            "board": boardPage,
            "exceptions": exceptionsPage,
            "sla": slaPage,
            "officeOrders": officeOrdersPage,
            "orphans": orphansPage,
            "kept": keptPage,
            "officeStock": officeStockPage
        })
}
