pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// Medidor: connect without an order and see what the meter says.
FocusScope {
    id: page

    required property AppController app
    readonly property var meter: app.meter.meter
    readonly property bool wide: width >= 1000
    readonly property bool read: meter.state === "read"
    readonly property bool ansi: meter.head === "ansi"
    readonly property string headName: {
        if (!wide)
            return ansi ? "ANSI" : "IEC";
        return ansi ? qsTr("Cabezal ANSI") : qsTr("Cabezal IEC");
    }
    property bool showEvents: false
    // Seconds for which the meter refuses every sign-on: nothing is tried before they are over.
    property int locked: 0

    Component.onDestruction: page.app.meter.leave()

    Connections {
        target: page.app.meter

        function onFailureChanged() {
            page.locked = parseInt(page.app.meter.failure.seconds ?? "0");
        }
    }

    Timer {
        interval: 1000
        repeat: true
        running: page.locked > 0
        onTriggered: page.locked -= 1
    }

    Timer {
        interval: 5000
        repeat: true
        running: page.meter.live ?? false
        onTriggered: page.app.meter.refresh()
    }

    Item {
        id: head

        x: Theme.margin
        y: 20
        width: parent.width - 2 * Theme.margin
        height: Theme.target
        visible: page.read

        Column {
            anchors.verticalCenter: parent.verticalCenter
            width: buttons.x - Theme.gap16
            spacing: 2

            SerialText {
                text: page.meter.serial
            }

            Label {
                width: parent.width
                color: Theme.muted
                text: page.meter.detail
                wrapMode: Text.WordWrap
                maximumLineCount: 2
            }
        }

        Row {
            id: buttons

            anchors.right: parent.right
            spacing: page.wide ? Theme.gap24 : Theme.gap12

            ActionButton {
                visible: (page.meter.events ?? []).length > 0
                text: page.showEvents ? qsTr("Valores") : qsTr("Eventos")
                iconName: !page.wide ? "" : page.showEvents ? "meter" : "list"
                onClicked: page.showEvents = !page.showEvents
            }

            ActionButton {
                text: page.headName
                note: page.wide ? qsTr("Cambiar") : ""
                iconName: page.wide ? "optical" : ""
                Accessible.name: page.ansi ? qsTr("Cabezal ANSI") : qsTr("Cabezal IEC")
                onClicked: page.app.meter.useHead(page.ansi ? "iec" : "ansi")
            }

            ActionButton {
                kind: "primary"
                text: page.wide ? qsTr("Volver a leer") : qsTr("Leer")
                iconName: page.wide ? "sync" : ""
                enabled: page.locked === 0
                note: page.locked > 0 ? qsTr("dentro de %1 s").arg(page.locked) : ""
                onClicked: page.app.meter.read()
            }
        }
    }

    FailureNote {
        id: failure

        x: Theme.margin
        y: page.read ? head.y + head.height + Theme.gap16 : 20
        width: parent.width - 2 * Theme.margin
        failure: page.locked > 0 ? Object.assign({}, page.app.meter.failure, {
            "message": qsTr("El medidor está bloqueado por contraseñas equivocadas")
        }) : page.app.meter.failure
        actionText: page.locked > 0 ? "" : qsTr("Probar otra vez")
        remaining: page.locked > 0 ? qsTr("faltan %1 s").arg(page.locked) : ""
        onAction: page.app.meter.read()
    }

    Flickable {
        id: scroller

        visible: page.read
        anchors.top: failure.visible ? failure.bottom : head.bottom
        anchors.topMargin: Theme.gap16
        anchors.bottom: parent.bottom
        width: parent.width
        contentHeight: sheet.implicitHeight + Theme.gap16
        boundsBehavior: Flickable.StopAtBounds
        interactive: contentHeight > height
        clip: true

        Column {
            id: sheet

            x: Theme.margin
            width: parent.width - 2 * Theme.margin
            spacing: Theme.gap16

            Flow {
                visible: !page.showEvents
                width: parent.width
                spacing: Theme.gap24

                MeterValues {
                    id: values

                    width: page.wide && network.visible ? parent.width - network.width - Theme.gap24 : parent.width
                    height: page.wide && network.visible ? Math.max(implicitHeight, network.implicitHeight) : implicitHeight
                    meter: page.meter
                }

                MeterNetwork {
                    id: network

                    visible: page.meter.network !== null && page.meter.network !== undefined
                    width: page.wide ? 296 : parent.width
                    height: page.wide ? Math.max(implicitHeight, values.height) : implicitHeight
                    network: page.meter.network ?? ({})
                }
            }

            Card {
                visible: !page.showEvents && (page.meter.profile ?? []).length > 0
                width: parent.width
                height: 210

                Row {
                    x: 24
                    y: 16
                    spacing: Theme.gap12

                    Label {
                        id: profileTitle

                        kind: Label.Title
                        text: qsTr("Perfil de carga")
                    }

                    Label {
                        anchors.baseline: profileTitle.baseline
                        color: Theme.muted
                        text: page.meter.profileTitle
                    }
                }

                Row {
                    anchors.right: parent.right
                    anchors.rightMargin: 24
                    y: 14
                    spacing: Theme.gap24

                    Mark {
                        visible: page.meter.profileMissing !== ""
                        tone: "attention"
                        size: 22
                        text: page.meter.profileMissing
                    }

                    Row {
                        visible: page.wide && page.meter.profilePeak !== ""
                        anchors.verticalCenter: parent.verticalCenter
                        spacing: 5

                        Label {
                            color: Theme.muted
                            text: qsTr("Máximo")
                        }

                        Label {
                            strong: true
                            text: page.meter.profilePeak
                        }

                        Label {
                            color: Theme.muted
                            text: qsTr("a las %1").arg(page.meter.profilePeakTime)
                        }
                    }
                }

                ProfilePlot {
                    x: 24
                    y: 48
                    width: parent.width - 48
                    height: 152
                    values: page.meter.profile ?? []
                }
            }

            Card {
                visible: !page.showEvents && (page.meter.registers ?? []).length > 0
                width: parent.width
                height: registers.implicitHeight

                FactStrip {
                    id: registers

                    width: parent.width
                    facts: page.meter.registers ?? []
                }
            }

            Flow {
                visible: !page.showEvents
                width: parent.width
                spacing: Theme.gap16

                ActionButton {
                    visible: !page.ansi
                    width: 320
                    text: qsTr("Firmware…")
                    note: qsTr("Enviar una imagen al medidor")
                    iconName: "firmware"
                    onClicked: page.app.go("image")
                }

                ActionButton {
                    visible: page.meter.recorded ?? false
                    width: 320
                    text: qsTr("Ver grabación")
                    note: qsTr("Lo que se dijo por la sonda")
                    iconName: "records"
                    onClicked: page.app.openMeterRecording()
                }
            }

            Card {
                visible: page.showEvents
                width: parent.width
                height: events.implicitHeight

                Column {
                    id: events

                    width: parent.width

                    Repeater {
                        model: page.showEvents ? (page.meter.events ?? []) : []

                        Item {
                            id: event

                            required property var modelData
                            required property int index

                            width: events.width
                            height: Math.max(56, what.implicitHeight + 24)

                            Hairline {
                                visible: event.index > 0
                                width: parent.width
                                height: 1
                            }

                            Icon {
                                x: 20
                                anchors.verticalCenter: parent.verticalCenter
                                name: event.modelData.tone === "" ? "circle" : Theme.toneIcon(event.modelData.tone)
                                size: 24
                                color: event.modelData.tone === "" ? Theme.muted : Theme.tone(event.modelData.tone)
                            }

                            Label {
                                x: 64
                                anchors.verticalCenter: parent.verticalCenter
                                color: Theme.muted
                                text: event.modelData.time
                            }

                            Label {
                                id: what

                                x: 240
                                anchors.verticalCenter: parent.verticalCenter
                                width: parent.width - x - 20
                                strong: true
                                text: event.modelData.text
                                wrapMode: Text.WordWrap
                            }
                        }
                    }
                }
            }
        }

        ScrollMark {
            view: scroller
        }
    }

    // A session that failed is what one wants to look into.
    ActionButton {
        visible: !page.read && failure.visible && page.locked === 0 && (page.meter.recorded ?? false)
        x: Theme.margin
        y: failure.y + failure.height + Theme.gap16
        width: 320
        text: qsTr("Ver grabación")
        note: qsTr("Lo que se dijo por la sonda")
        iconName: "records"
        onClicked: page.app.openMeterRecording()
    }

    Row {
        id: heads

        visible: !page.read && page.meter.state !== "reading" && page.meter.state !== "absent"
        anchors.horizontalCenter: parent.horizontalCenter
        anchors.bottom: parent.bottom
        anchors.bottomMargin: Theme.gap24
        width: Math.min(720, parent.width - 2 * Theme.margin)
        spacing: Theme.gap16

        ChoiceTile {
            width: (heads.width - Theme.gap16) / 2
            text: qsTr("Cabezal IEC")
            detail: qsTr("DLMS, IEC 62056-21")
            iconName: "optical"
            chosen: !page.ansi
            onClicked: page.app.meter.useHead("iec")
        }

        ChoiceTile {
            width: (heads.width - Theme.gap16) / 2
            text: qsTr("Cabezal ANSI")
            detail: qsTr("C12.18: otro cabezal")
            iconName: "optical"
            chosen: page.ansi
            onClicked: page.app.meter.useHead("ansi")
        }
    }

    EmptyState {
        visible: !page.read && !failure.visible && page.meter.state !== "reading"
        anchors.centerIn: parent
        width: Math.min(560, parent.width - 2 * Theme.margin)
        iconName: page.meter.state === "absent" ? "probeOff" : "probe"
        text: page.meter.state === "absent" ? qsTr("No hay sonda") : qsTr("Ponga la sonda en el medidor")
        detail: page.meter.state === "absent" ? qsTr("Conecte la sonda óptica por USB o empareje la de Bluetooth. Aparece sola.") : qsTr("El imán la sostiene. Si no responde, gírela media vuelta.")
        actionText: page.meter.state === "absent" ? "" : qsTr("Leer")
        actionIcon: "optical"
        onAction: page.app.meter.read()
    }

    Column {
        visible: page.meter.state === "reading"
        anchors.centerIn: parent
        width: Math.min(560, parent.width - 2 * Theme.margin)
        spacing: Theme.gap24

        Label {
            width: parent.width
            kind: Label.Value
            horizontalAlignment: Text.AlignHCenter
            text: page.meter.progressText || qsTr("Leyendo")
            wrapMode: Text.WordWrap
        }

        ProgressLine {
            width: parent.width
            value: page.meter.progress ?? 0
        }

        ActionButton {
            anchors.horizontalCenter: parent.horizontalCenter
            height: Theme.primary
            width: 240
            text: qsTr("Cancelar")
            note: qsTr("Leer no cambia nada")
            iconName: "cross"
            onClicked: page.app.meter.cancel()
        }
    }
}
