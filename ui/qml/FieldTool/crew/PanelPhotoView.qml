pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// One photo of a whole panel: a frame on every label, the slots beside it, what must be looked at again, and one
// button that puts what hangs right into its orders.
FocusScope {
    id: view

    required property PanelPhotoController controller
    readonly property var photo: controller.photo
    readonly property bool taken: photo.taken ?? false
    readonly property var ask: photo.ask ?? []
    readonly property int ready: photo.register ?? 0
    readonly property bool narrow: width < 1000

    // Slots as wide as four figures and a mark need: where they do not fit beside the photo, they stand below it.
    readonly property int columns: Math.max(1, photo.columns ?? 1)
    readonly property real slots: columns * 56 + (columns - 1) * grid.spacing + 2 * grid.x
    readonly property bool stacked: narrow || slots > (width - 2 * Theme.margin - Theme.gap24) * 0.7
    readonly property real lowest: (photo.rows ?? 1) * (72 + grid.spacing) + Theme.gap16
    // How many slots there are is asked before the photo, after it on demand, and where it did not fit.
    property bool resizing: false
    readonly property bool sizing: !taken || resizing || (photo.tiles ?? []).length === 0

    Keys.onEscapePressed: view.controller.close()

    Rectangle {
        anchors.fill: parent
        color: Theme.ground

        // Nothing below is touched through the view.
        MouseArea {
            anchors.fill: parent
        }
    }

    Label {
        id: title

        x: Theme.margin
        y: Theme.margin
        width: (view.narrow ? parent.width : parent.width - counts.width - Theme.gap24) - 2 * Theme.margin
        kind: Label.Title
        text: view.photo.title ?? ""
        wrapMode: Text.WordWrap
        maximumLineCount: 2
    }

    Row {
        id: counts

        visible: view.taken
        anchors.right: view.narrow ? undefined : parent.right
        anchors.rightMargin: Theme.margin
        x: Theme.margin
        anchors.verticalCenter: view.narrow ? undefined : title.verticalCenter
        y: title.y + title.height + Theme.gap8
        spacing: Theme.gap24

        Mark {
            tone: "good"
            text: qsTr("%1 leídos").arg(view.photo.count ?? "")
        }

        Mark {
            visible: (view.photo.unread ?? 0) > 0
            tone: "attention"
            iconName: "unknown"
            text: qsTr("%1 sin leer").arg(view.photo.unread ?? 0)
        }

        Mark {
            visible: (view.photo.foreign ?? 0) > 0
            tone: "wrong"
            text: qsTr("%1 fuera de lugar").arg(view.photo.foreign ?? 0)
        }
    }

    FailureNote {
        id: failure

        x: Theme.margin
        y: (view.narrow && counts.visible ? counts.y + counts.height : title.y + title.height) + (visible ? Theme.gap16 : 0)
        width: parent.width - 2 * Theme.margin
        failure: view.controller.failure
    }

    Viewfinder {
        id: finder

        readonly property real room: notes.y - y - Theme.gap16

        x: Theme.margin
        anchors.top: failure.bottom
        anchors.topMargin: Theme.gap16
        width: view.stacked ? parent.width - 2 * Theme.margin : Math.min(Math.round((parent.width - 2 * Theme.margin) * 0.5), parent.width - 2 * Theme.margin - Theme.gap24 - view.slots)
        height: Math.min(width * ratio, view.stacked ? Math.max(96, Math.min(parent.height * 0.3, room - view.lowest)) : room)
        source: view.taken ? view.photo.source : "image://camera/live"
        live: !view.taken && view.visible
        codes: view.taken ? view.photo.codes : []
    }

    Column {
        id: working

        visible: view.controller.busy
        anchors.centerIn: finder
        spacing: Theme.gap12

        Rectangle {
            width: reading.width + 48
            height: reading.height + 32
            radius: Theme.cardRadius
            color: Theme.surface

            Row {
                id: reading

                anchors.centerIn: parent
                spacing: Theme.gap12

                Spinner {
                    size: 28
                }

                Label {
                    anchors.verticalCenter: parent.verticalCenter
                    strong: true
                    text: qsTr("Leyendo el panel")
                }
            }
        }
    }

    // Before the photo: how many slots there are.
    Column {
        id: size

        visible: view.sizing
        x: view.stacked ? Theme.margin : finder.x + finder.width + Theme.gap24
        y: view.stacked ? finder.y + finder.height + Theme.gap16 : finder.y
        width: view.stacked ? finder.width : parent.width - x - Theme.margin
        spacing: Theme.gap16

        Label {
            visible: !view.taken
            width: parent.width
            text: qsTr("Ponga el panel entero en la foto, de frente. Cada etiqueta va a su posición.")
            wrapMode: Text.WordWrap
        }

        Repeater {
            model: [
                {
                    "name": qsTr("Filas"),
                    "count": view.photo.rows ?? 1,
                    "rows": 1,
                    "columns": 0
                },
                {
                    "name": qsTr("Columnas"),
                    "count": view.photo.columns ?? 1,
                    "rows": 0,
                    "columns": 1
                }
            ]

            Row {
                id: counter

                required property var modelData

                function change(by: int) {
                    view.controller.resize(view.photo.rows + by * modelData.rows, view.photo.columns + by * modelData.columns);
                }

                spacing: Theme.gap16

                Label {
                    anchors.verticalCenter: parent.verticalCenter
                    width: 120
                    text: counter.modelData.name
                }

                ActionButton {
                    width: Theme.target
                    leftPadding: 0
                    rightPadding: 0
                    enabled: counter.modelData.count > 1 && !view.controller.busy
                    iconName: "minus"
                    Accessible.name: qsTr("Menos") + " " + counter.modelData.name
                    onClicked: counter.change(-1)
                }

                Label {
                    anchors.verticalCenter: parent.verticalCenter
                    width: 64
                    horizontalAlignment: Text.AlignHCenter
                    kind: Label.Value
                    text: counter.modelData.count
                }

                ActionButton {
                    width: Theme.target
                    leftPadding: 0
                    rightPadding: 0
                    enabled: counter.modelData.count < 20 && !view.controller.busy
                    iconName: "plus"
                    Accessible.name: qsTr("Más") + " " + counter.modelData.name
                    onClicked: counter.change(1)
                }
            }
        }
    }

    Flickable {
        id: scroller

        visible: view.taken && !view.sizing
        x: size.x
        y: size.y
        width: size.width
        height: notes.y - y - Theme.gap16
        contentHeight: grid.implicitHeight + 6
        contentWidth: Math.max(width, view.slots)
        boundsBehavior: Flickable.StopAtBounds
        interactive: contentHeight > height || contentWidth > width
        clip: true

        Grid {
            id: grid

            x: 3
            y: 3
            width: scroller.contentWidth - 6
            columns: view.columns
            spacing: view.columns > 8 ? Theme.gap4 : Theme.gap8

            Repeater {
                model: view.photo.tiles ?? []

                SlotTile {
                    required property var modelData

                    width: (grid.width - (grid.columns - 1) * grid.spacing) / grid.columns
                    height: Math.max(72, Math.min(140, (scroller.height - 6 - ((view.photo.rows ?? 1) - 1) * grid.spacing) / Math.max(1, view.photo.rows ?? 1)))
                    text: modelData.title
                    detail: modelData.detail
                    slotState: modelData.state
                    Accessible.name: modelData.title + " " + modelData.name
                    onClicked: view.controller.look(modelData.key)
                }
            }
        }

        ScrollMark {
            view: scroller
        }

        ScrollMark {
            view: scroller
            sideways: true
        }
    }

    // All that is to be done about slots: as much as a quarter of the page at once, the rest by scrolling.
    Flickable {
        id: notes

        x: Theme.margin
        anchors.bottom: foot.top
        anchors.bottomMargin: Theme.gap16
        width: parent.width - 2 * Theme.margin
        height: Math.min(contentHeight, view.height * 0.24)
        contentHeight: lines.implicitHeight
        boundsBehavior: Flickable.StopAtBounds
        interactive: contentHeight > height
        activeFocusOnTab: interactive
        clip: true
        Accessible.role: Accessible.List
        Accessible.name: qsTr("Por revisar")
        Keys.onUpPressed: contentY = Math.max(0, contentY - 48)
        Keys.onDownPressed: contentY = Math.min(contentHeight - height, contentY + 48)

        Column {
            id: lines

            width: parent.width - Theme.gap12
            spacing: Theme.gap8

            Label {
                visible: view.taken && !view.sizing
                width: parent.width
                color: Theme.muted
                text: qsTr("Toque una posición para corregirla.")
                wrapMode: Text.WordWrap
            }

            Row {
                visible: outcome.text !== ""
                width: parent.width
                spacing: Theme.gap12

                Icon {
                    id: tick

                    name: "good"
                    size: 24
                    color: Theme.good
                }

                Label {
                    id: outcome

                    width: parent.width - tick.width - parent.spacing
                    strong: true
                    color: Theme.good
                    text: view.photo.done ?? ""
                    wrapMode: Text.WordWrap
                }
            }

            Repeater {
                model: view.photo.notes ?? []

                Row {
                    id: note

                    required property var modelData

                    width: lines.width
                    spacing: Theme.gap12

                    Mark {
                        id: where

                        tone: note.modelData.tone
                        iconName: note.modelData.icon
                        size: 24
                        text: note.modelData.slots
                    }

                    Label {
                        width: parent.width - where.width - parent.spacing
                        text: note.modelData.text
                        wrapMode: Text.WordWrap
                    }
                }
            }
        }

        ScrollMark {
            view: notes
        }

        FocusRing {
            visible: notes.activeFocus
        }
    }

    Item {
        id: foot

        x: Theme.margin
        anchors.bottom: parent.bottom
        anchors.bottomMargin: Theme.gap24
        width: parent.width - 2 * Theme.margin
        height: view.narrow ? 2 * Theme.target + Theme.gap16 : Theme.primary

        ActionButton {
            id: back

            anchors.bottom: parent.bottom
            height: view.narrow ? Theme.target : Theme.primary
            leftPadding: view.narrow ? 0 : Theme.gap24
            rightPadding: leftPadding
            width: view.narrow ? Theme.target : implicitWidth
            text: view.narrow ? "" : qsTr("Atrás")
            Accessible.name: qsTr("Atrás")
            iconName: "back"
            onClicked: view.controller.close()
        }

        ActionButton {
            id: another

            visible: view.taken
            anchors.left: back.right
            anchors.leftMargin: Theme.gap16
            anchors.bottom: parent.bottom
            height: back.height
            enabled: !view.controller.busy
            text: qsTr("Otra foto")
            iconName: "camera"
            onClicked: {
                view.resizing = false;
                view.controller.take();
            }
        }

        ActionButton {
            visible: view.taken && (view.photo.tiles ?? []).length > 0
            anchors.left: another.right
            anchors.leftMargin: Theme.gap16
            anchors.bottom: parent.bottom
            height: back.height
            leftPadding: Theme.gap16
            rightPadding: Theme.gap16
            text: view.resizing ? qsTr("Ver posiciones") : view.photo.rows + " × " + view.photo.columns
            Accessible.name: view.resizing ? text : qsTr("Filas y columnas") + " " + text
            iconName: "panel"
            onClicked: view.resizing = !view.resizing
        }

        ActionButton {
            id: register

            visible: view.taken && view.ask.length > 0
            anchors.right: view.narrow ? parent.right : primary.left
            anchors.rightMargin: view.narrow ? 0 : Theme.gap16
            anchors.bottom: parent.bottom
            height: back.height
            enabled: view.ready > 0 && !view.controller.busy
            text: qsTr("Registrar %1").arg(view.ready)
            iconName: "check"
            onClicked: view.controller.register()
        }

        ActionButton {
            id: primary

            readonly property bool looks: view.taken && view.ask.length > 0

            anchors.right: parent.right
            anchors.top: parent.top
            height: view.narrow ? Theme.target : Theme.primary
            width: view.narrow ? parent.width : Math.min(view.ask.length > 0 ? 300 : 360, parent.width)
            kind: "primary"
            enabled: !view.controller.busy && (!view.taken || looks || view.ready > 0)
            note: enabled || view.controller.busy ? "" : qsTr("Nada por registrar")
            text: {
                if (!view.taken)
                    return qsTr("Tomar la foto");
                return looks ? qsTr("Escanear la %1").arg(view.ask[0]) : qsTr("Registrar %1").arg(view.ready);
            }
            iconName: !view.taken ? "camera" : looks ? "scan" : "check"
            onClicked: {
                if (!view.taken)
                    view.controller.take();
                else if (looks)
                    view.controller.look(view.ask[0]);
                else
                    view.controller.register();
            }
        }
    }
}
