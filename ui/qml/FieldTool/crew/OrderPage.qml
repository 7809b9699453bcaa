pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Layouts
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// Orden: where, what, until when; what is expected; one button.
FocusScope {
    id: page

    required property AppController app
    readonly property var order: app.order.order
    readonly property bool loaded: order.id !== undefined
    readonly property bool narrow: width < 900
    readonly property bool canStart: loaded && (order.status === "open" || order.status === "started")

    Flickable {
        id: scroller

        anchors.top: parent.top
        anchors.bottom: foot.top
        width: parent.width
        contentHeight: sheet.y + sheet.implicitHeight + Theme.gap24
        boundsBehavior: Flickable.StopAtBounds
        interactive: contentHeight > height
        clip: true

        Column {
            id: sheet

            visible: page.loaded
            x: Theme.margin
            y: Theme.margin
            width: parent.width - 2 * Theme.margin
            spacing: Theme.gap16

            FailureNote {
                width: parent.width
                failure: page.app.order.failure
            }

            Row {
                width: parent.width
                spacing: Theme.gap16

                TaskIcon {
                    id: kind

                    width: 64
                    height: 64
                    kind: page.order.kind ?? ""
                    color: Theme.surface
                }

                Column {
                    width: parent.width - kind.width - Theme.gap16
                    spacing: 4

                    Label {
                        width: parent.width
                        kind: Label.Value
                        text: page.order.address ?? ""
                        wrapMode: Text.WordWrap
                    }

                    Label {
                        width: parent.width
                        color: Theme.muted
                        text: (page.order.task ?? "") + " · " + (page.order.number ?? "")
                        wrapMode: Text.WordWrap
                    }
                }
            }

            Repeater {
                model: page.order.warnings ?? []

                Card {
                    id: warning

                    required property string modelData

                    width: sheet.width
                    height: warningText.implicitHeight + 32
                    tone: "attention"

                    Icon {
                        x: 20
                        anchors.verticalCenter: parent.verticalCenter
                        name: "attention"
                        size: 28
                        color: Theme.attention
                    }

                    Label {
                        id: warningText

                        x: 64
                        anchors.verticalCenter: parent.verticalCenter
                        width: parent.width - x - 20
                        kind: Label.Title
                        color: Theme.attention
                        text: warning.modelData
                        wrapMode: Text.WordWrap
                    }
                }
            }

            // As high as the highest of them, side by side.
            GridLayout {
                id: facts

                width: parent.width
                columns: page.narrow ? 1 : 3
                columnSpacing: Theme.gap16
                rowSpacing: Theme.gap16

                Repeater {
                    model: page.order.facts ?? []

                    FactCard {
                        required property var modelData

                        Layout.preferredWidth: 1
                        Layout.fillWidth: true
                        Layout.fillHeight: true
                        fact: modelData
                    }
                }
            }

            Grid {
                id: devices

                width: parent.width
                columns: page.narrow ? 1 : 2
                spacing: Theme.gap16

                Repeater {
                    model: [page.order.oldDevice, page.order.newDevice].filter(device => device)

                    FactCard {
                        required property var modelData

                        width: (devices.width - (devices.columns - 1) * Theme.gap16) / devices.columns
                        fact: modelData
                    }
                }
            }

            Card {
                visible: (page.order.place ?? []).length > 0
                width: parent.width
                height: place.implicitHeight + 32

                Column {
                    id: place

                    x: 20
                    y: 16
                    width: parent.width - 40
                    spacing: 6

                    Label {
                        kind: Label.Caption
                        text: qsTr("Lugar en la red")
                    }

                    Breadcrumb {
                        width: parent.width
                        parts: page.order.place ?? []
                    }
                }
            }

            Card {
                visible: (page.order.notes ?? "") !== ""
                width: parent.width
                height: notes.implicitHeight + 32

                Icon {
                    x: 20
                    y: 20
                    name: "note"
                    size: 28
                    color: Theme.muted
                }

                Column {
                    id: notes

                    x: 64
                    y: 16
                    width: parent.width - x - 20
                    spacing: 4

                    Label {
                        kind: Label.Caption
                        text: qsTr("De la oficina")
                    }

                    Label {
                        width: parent.width
                        text: page.order.notes ?? ""
                        lineHeight: 1.2
                        wrapMode: Text.WordWrap
                    }
                }
            }

            Column {
                visible: (page.order.history ?? []).length > 0
                width: parent.width

                Item {
                    width: parent.width
                    height: Math.max(happened.implicitHeight, recordings.visible ? recordings.height + Theme.gap12 : 0)

                    SectionTitle {
                        id: happened

                        anchors.bottom: parent.bottom
                        width: recordings.x - Theme.gap16
                        text: qsTr("Lo que ha pasado")
                    }

                    ActionButton {
                        id: recordings

                        visible: (page.order.recordings ?? 0) > 0
                        anchors.right: parent.right
                        height: 72
                        text: qsTr("Grabaciones")
                        note: qsTr("De la sesión óptica: %1").arg(page.order.recordings ?? 0)
                        iconName: "records"
                        onClicked: page.app.openRecordings(page.order.id)
                    }
                }

                Card {
                    width: parent.width
                    height: history.implicitHeight

                    Column {
                        id: history

                        width: parent.width

                        Repeater {
                            model: page.order.history ?? []

                            Item {
                                id: event

                                required property var modelData
                                required property int index

                                width: history.width
                                height: 56

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
                                    width: 116
                                    color: Theme.muted
                                    text: event.modelData.time
                                    elide: Text.ElideRight
                                }

                                Label {
                                    x: 184
                                    anchors.verticalCenter: parent.verticalCenter
                                    width: parent.width - x - (who.visible ? who.width + 40 : 20)
                                    strong: true
                                    text: event.modelData.text
                                    elide: Text.ElideRight
                                }

                                Label {
                                    id: who

                                    visible: !page.narrow
                                    anchors.right: parent.right
                                    anchors.rightMargin: 20
                                    anchors.verticalCenter: parent.verticalCenter
                                    color: Theme.muted
                                    text: event.modelData.detail
                                }
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

    Rectangle {
        id: foot

        anchors.bottom: parent.bottom
        width: parent.width
        height: Theme.primary + 2 * Theme.gap16
        color: Theme.ground

        Hairline {
            width: parent.width
            height: 1
        }

        ActionButton {
            id: back

            x: Theme.margin
            y: Theme.gap16
            width: page.narrow ? 112 : 152
            height: Theme.primary
            leftPadding: 8
            rightPadding: 8
            text: qsTr("Atrás")
            iconName: "back"
            iconSize: 24
            onClicked: page.app.go("orders")
        }

        ActionButton {
            x: back.x + back.width + (page.narrow ? Theme.gap12 : Theme.gap24)
            y: Theme.gap16
            height: Theme.primary
            width: page.narrow ? 224 : implicitWidth
            leftPadding: page.narrow ? 12 : Theme.gap24
            rightPadding: leftPadding
            visible: page.canStart
            text: qsTr("No ejecutada…")
            iconName: "notDone"
            onClicked: page.app.go("notDone")
        }

        ActionButton {
            anchors.right: parent.right
            anchors.rightMargin: Theme.margin
            y: Theme.gap16
            width: page.narrow ? 300 : 416
            height: Theme.primary
            kind: "primary"
            enabled: page.canStart
            text: page.startText()
            note: page.canStart ? "" : page.closedText()
            iconName: page.canStart ? "forward" : "lock"
            iconAfter: page.canStart
            onClicked: page.app.startOrder(page.order.id)
        }
    }

    function startText(): string {
        if (page.order.status === "started" && page.order.step > 0)
            return qsTr("Continuar en paso %1").arg(page.order.step);
        return qsTr("Empezar");
    }

    function closedText(): string {
        switch (page.order.status) {
        case "done":
            return qsTr("esta orden está hecha");
        case "not_done":
            return qsTr("cerrada como no ejecutada");
        case "cancelled":
            return qsTr("la oficina la canceló");
        }
        return "";
    }
}
