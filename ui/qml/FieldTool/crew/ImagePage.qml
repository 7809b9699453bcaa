pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// Firmware: choose an image, hold it against the meter, send and verify it; letting it run is an act of its own.
FocusScope {
    id: page

    required property AppController app
    readonly property ImageController image: app.image
    readonly property var shown: image.image
    readonly property var files: shown.files ?? []
    readonly property string phase: shown.state ?? "choosing"
    readonly property bool working: phase === "working"
    readonly property bool verified: phase === "verified"
    readonly property bool activated: phase === "activated"
    readonly property bool chosen: (shown.chosen ?? "") !== ""
    readonly property bool permitted: (shown.notYours ?? "") === ""
    readonly property bool known: (shown.serial ?? "") !== ""
    readonly property bool wide: width >= 1000
    property bool activating: false

    onVerifiedChanged: if (!verified)
        activating = false
    Keys.onEscapePressed: page.activating ? page.activating = false : page.app.go("meter")

    Row {
        id: head

        x: Theme.margin
        y: 20
        width: parent.width - 2 * Theme.margin
        spacing: Theme.gap24

        ActionButton {
            id: back

            text: page.activating ? qsTr("Volver") : qsTr("Medidor")
            iconName: "back"
            onClicked: page.activating ? page.activating = false : page.app.go("meter")
        }

        Column {
            visible: page.known
            anchors.verticalCenter: parent.verticalCenter
            width: parent.width - back.width - Theme.gap24
            spacing: 2

            SerialText {
                text: page.shown.serial ?? ""
            }

            Label {
                width: parent.width
                color: Theme.muted
                text: (page.shown.meter ?? "") + " · firmware " + (page.shown.firmware ?? "")
                wrapMode: Text.WordWrap
            }
        }
    }

    FailureNote {
        id: failed

        x: Theme.margin
        y: head.y + head.height + (visible ? Theme.gap16 : 0)
        width: parent.width - 2 * Theme.margin
        failure: page.image.failure
    }

    EmptyState {
        visible: !page.known && !page.image.busy
        anchors.centerIn: parent
        width: Math.min(560, parent.width - 2 * Theme.margin)
        iconName: "meter"
        text: qsTr("Lea antes el medidor")
        detail: qsTr("Así se sabe qué modelo es y qué firmware tiene.")
        actionText: qsTr("Ir al medidor")
        actionIcon: "meter"
        onAction: page.app.go("meter")
    }

    EmptyState {
        visible: page.known && page.files.length === 0 && !page.image.busy
        anchors.centerIn: parent
        width: Math.min(640, parent.width - 2 * Theme.margin)
        iconName: "usb"
        text: qsTr("No hay imágenes de firmware")
        detail: page.shown.where ?? ""
        actionText: qsTr("Buscar otra vez")
        actionIcon: "retry"
        onAction: page.image.load()
    }

    // Which image; out of reach while the meter is busy with one.
    Item {
        id: side

        visible: page.files.length > 0 && !page.activating && (page.wide || (!page.working && !page.verified && !page.activated))
        x: Theme.margin
        y: failed.y + failed.height + Theme.gap16
        width: page.wide ? 400 : parent.width - 2 * Theme.margin
        height: page.wide ? parent.height - y - Theme.gap24 : Math.min(list.contentHeight + 2 + where.implicitHeight + Theme.gap8, (parent.height - y) * 0.4)
        enabled: !page.image.busy

        Card {
            width: parent.width
            height: Math.min(parent.height - where.implicitHeight - Theme.gap8, list.contentHeight + 2)

            RowList {
                id: list

                anchors.fill: parent
                anchors.margins: 1
                focus: true
                model: page.files

                delegate: CaseDelegate {
                    required property var modelData
                    required property int index

                    firstRow: index === 0
                    width: list.width
                    implicitHeight: Math.max(Theme.row, contentItem.implicitHeight)
                    row: ({
                            "title": modelData.title,
                            "detail": modelData.blocked || modelData.doubt || modelData.detail,
                            "age": "",
                            "icon": modelData.blocked ? "notDone" : modelData.doubt ? "attention" : "firmware",
                            "tone": modelData.blocked || !modelData.doubt ? "" : "attention"
                        })
                    chosen: page.shown.chosen === modelData.key
                    onClicked: page.image.choose(modelData.key)
                }

                ScrollMark {
                    view: list
                }
            }
        }

        Label {
            id: where

            anchors.bottom: page.wide ? undefined : parent.bottom
            y: Math.min(parent.height - implicitHeight, list.contentHeight + 2 + Theme.gap8)
            width: parent.width
            kind: Label.Caption
            color: Theme.muted
            text: page.shown.where ?? ""
            wrapMode: Text.WrapAnywhere
        }
    }

    Flickable {
        id: detail

        visible: page.chosen && !page.activating
        x: page.wide ? side.x + side.width + Theme.gap24 : Theme.margin
        y: page.wide || !side.visible ? side.y : side.y + side.height + Theme.gap16
        width: parent.width - x - Theme.margin
        height: foot.y - y - Theme.gap16
        contentHeight: sheet.implicitHeight
        boundsBehavior: Flickable.StopAtBounds
        interactive: contentHeight > height
        clip: interactive

        Column {
            id: sheet

            width: detail.width
            spacing: Theme.gap12

            VerdictBand {
                visible: page.verified || page.activated
                width: parent.width
                text: page.shown.verdict ?? ""
                detail: page.shown.verdictDetail ?? ""
            }

            NoticeCard {
                visible: !page.working && !page.verified && !page.activated && (page.shown.verdict ?? "") !== ""
                width: parent.width
                notice: ({
                        "title": page.shown.verdict ?? "",
                        "text": page.shown.verdictDetail ?? ""
                    })
            }

            Card {
                visible: page.working
                width: parent.width
                height: doing.implicitHeight + 2 * Theme.gap24

                Column {
                    id: doing

                    x: Theme.gap24
                    y: Theme.gap24
                    width: parent.width - 2 * Theme.gap24
                    spacing: Theme.gap12

                    Item {
                        width: parent.width
                        height: Math.max(what.implicitHeight, left.implicitHeight)

                        Label {
                            id: what

                            width: parent.width - left.width - Theme.gap16
                            kind: Label.Title
                            font.features: Theme.figures
                            text: page.shown.progressText ?? ""
                            wrapMode: Text.WordWrap
                        }

                        Label {
                            id: left

                            anchors.right: parent.right
                            kind: Label.Title
                            font.features: Theme.figures
                            text: page.shown.left ?? ""
                        }
                    }

                    ProgressLine {
                        visible: (page.shown.progress ?? 0) > 0
                        width: parent.width
                        value: page.shown.progress ?? 0
                    }

                    Spinner {
                        visible: !((page.shown.progress ?? 0) > 0)
                    }
                }
            }

            NoticeCard {
                visible: (page.shown.blocked ?? "") !== "" && !page.working && !page.verified
                width: parent.width
                notice: ({
                        "title": page.shown.blocked ?? "",
                        "tone": "wrong",
                        "icon": "notDone"
                    })
            }

            NoticeCard {
                visible: page.verified && !page.permitted
                width: parent.width
                notice: ({
                        "title": page.shown.notYours ?? "",
                        "text": page.shown.notYoursHint ?? ""
                    })
            }

            NoticeCard {
                visible: (page.shown.doubt ?? "") !== "" && !page.working && !page.activated
                width: parent.width
                notice: ({
                        "title": page.shown.doubt ?? ""
                    })
            }

            ActionButton {
                visible: (page.shown.recorded ?? false) && !page.working
                text: qsTr("Ver grabación")
                note: qsTr("Lo que se dijo por la sonda")
                iconName: "records"
                onClicked: page.app.openMeterRecording()
            }

            Repeater {
                model: page.shown.facts ?? []

                FactCard {
                    required property var modelData

                    width: sheet.width
                    fact: modelData
                }
            }
        }

        ScrollMark {
            view: detail
        }
    }

    Item {
        id: foot

        visible: page.chosen && !page.activating
        x: detail.x
        width: detail.width
        height: Theme.primary
        anchors.bottom: parent.bottom
        anchors.bottomMargin: Theme.gap24

        Row {
            anchors.left: parent.left
            anchors.right: act.left
            anchors.rightMargin: Theme.gap16
            anchors.verticalCenter: parent.verticalCenter
            spacing: Theme.gap12

            Icon {
                id: safe

                name: page.working && page.shown.stoppable !== true ? "attention" : "safe"
                size: 28
                color: page.working && page.shown.stoppable !== true ? Theme.attention : Theme.good
            }

            Label {
                width: parent.width - safe.width - Theme.gap12
                text: {
                    if (page.working)
                        return page.shown.note ?? "";
                    if (page.verified)
                        return qsTr("El medidor la guarda y sigue con el firmware de antes hasta que se active.");
                    if (page.activated)
                        return qsTr("Vuelva a leer el medidor para ver cómo quedó.");
                    return qsTr("Enviar no cambia nada: el medidor sigue con su firmware.");
                }
                wrapMode: Text.WordWrap
            }
        }

        ActionButton {
            id: act

            anchors.right: parent.right
            height: parent.height
            width: Math.min(400, parent.width * 0.5)
            kind: page.working ? "secondary" : "primary"
            enabled: {
                if (page.working)
                    return page.shown.stoppable === true;
                if (page.verified)
                    return !page.image.busy && page.permitted;
                return !page.image.busy && (page.activated || (page.shown.blocked ?? "") === "");
            }
            iconName: page.working ? "cross" : page.activated ? "meter" : page.verified ? "danger" : "firmware"
            text: {
                if (page.working)
                    return qsTr("Cancelar");
                if (page.activated)
                    return qsTr("Ir al medidor");
                return page.verified ? qsTr("Activar…") : qsTr("Enviar y comprobar");
            }
            note: {
                if (page.working && page.shown.stoppable !== true)
                    return qsTr("ya no se puede");
                if (page.verified && !page.permitted)
                    return qsTr("lo hace otra persona");
                return !page.working && !page.verified && !page.activated && !enabled && !page.image.busy ? qsTr("esta imagen no sirve aquí") : "";
            }
            onClicked: {
                if (page.working)
                    page.image.stop();
                else if (page.activated)
                    page.app.go("meter");
                else if (page.verified)
                    page.activating = true;
                else
                    page.image.send();
            }
        }
    }

    DangerConfirm {
        visible: page.activating
        x: Theme.margin
        y: side.y
        width: parent.width - 2 * Theme.margin
        height: parent.height - y - Theme.gap24
        narrow: !page.wide
        focus: visible
        serial: page.shown.serial ?? ""
        iconName: "danger"
        actionText: qsTr("Activar el firmware")
        busy: page.image.busy
        onConfirmed: figures => {
            page.activating = false;
            page.image.activate(figures);
        }

        Card {
            width: parent.width
            tone: "attention"
            height: happens.implicitHeight + 2 * Theme.gap16

            Column {
                id: happens

                x: Theme.gap24
                y: Theme.gap16
                width: parent.width - 2 * Theme.gap24
                spacing: Theme.gap8

                Label {
                    width: parent.width
                    kind: Label.Title
                    color: Theme.attention
                    text: qsTr("Qué pasa al activar")
                    wrapMode: Text.WordWrap
                }

                Label {
                    width: parent.width
                    text: qsTr("El medidor cambia de firmware y reinicia: no responde hasta tres minutos. Después se lee qué firmware tiene. Desde aquí no se puede volver al de antes.")
                    lineHeight: 1.15
                    wrapMode: Text.WordWrap
                }
            }
        }
    }
}
