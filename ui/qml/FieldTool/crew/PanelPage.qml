pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// Panel: one probe moves along; the page says in one big word what to do, and names what is done.
FocusScope {
    id: page

    required property AppController app
    readonly property var panel: app.panel.panel
    readonly property bool chosen: (panel.key ?? "") !== ""
    readonly property bool running: panel.running ?? false
    readonly property bool narrow: width < 800

    // One level back, as the button does; a run is stopped by its own button.
    Keys.onEscapePressed: if (!page.running)
        page.leave()

    function leave(): void {
        if (page.chosen)
            page.app.panel.open("");
        else
            page.app.go("orders");
    }

    Component.onDestruction: {
        page.app.panel.stop();
        page.app.panelPhoto.close();
    }

    // Out of reach, of a keyboard too, while the photo lies over it.
    Item {
        id: under

        anchors.fill: parent
        enabled: !photo.active

        ActionButton {
            id: back

            x: Theme.margin
            y: Theme.margin
            width: Theme.target
            leftPadding: 0
            rightPadding: 0
            iconName: "back"
            Accessible.name: page.chosen ? qsTr("Otros paneles") : qsTr("Órdenes")
            onClicked: page.leave()
        }

        Column {
            id: title

            anchors.left: back.right
            anchors.leftMargin: Theme.gap16
            anchors.right: parent.right
            anchors.rightMargin: Theme.margin
            anchors.verticalCenter: back.verticalCenter
            spacing: Theme.gap8

            Label {
                width: parent.width
                kind: page.chosen ? Label.Title : Label.Value
                text: page.chosen ? page.panel.title : qsTr("Recorrer un panel")
                wrapMode: Text.WordWrap
            }

            Row {
                visible: page.chosen
                width: parent.width
                spacing: Theme.gap16

                ProgressLine {
                    anchors.verticalCenter: parent.verticalCenter
                    width: parent.width - tally.width - Theme.gap16
                    value: page.panel.share ?? 0
                }

                Label {
                    id: tally

                    strong: true
                    text: page.panel.count ?? ""
                }
            }
        }

        FailureNote {
            id: failure

            x: Theme.margin
            anchors.top: back.bottom
            anchors.topMargin: visible ? Theme.gap16 : 0
            width: parent.width - 2 * Theme.margin
            failure: page.app.panel.failure
        }

        // Which panel.
        Card {
            visible: list.visible
            x: list.x
            y: list.y
            width: list.width
            height: Math.min(list.height, list.contentHeight)
        }

        RowList {
            id: list

            visible: !page.chosen && count > 0
            anchors.top: failure.bottom
            anchors.topMargin: Theme.gap16
            anchors.bottom: parent.bottom
            x: Theme.margin
            width: parent.width - 2 * Theme.margin
            focus: visible
            model: page.panel.rows ?? []
            delegate: ListRow {
                required property var modelData
                required property int index

                width: list.width
                firstRow: index === 0
                text: modelData.title
                detail: modelData.detail
                iconName: "panel"
                onClicked: page.app.panel.open(modelData.key)
            }
        }

        EmptyState {
            visible: page.app.panel.known && !page.chosen && list.count === 0 && !failure.visible
            anchors.centerIn: parent
            width: Math.min(560, parent.width - 2 * Theme.margin)
            iconName: "panel"
            text: qsTr("Ningún panel con órdenes")
            detail: qsTr("Cuando una orden diga su panel y su posición, el panel aparece aquí.")
        }

        // The panel.
        VerdictBand {
            id: band

            visible: page.chosen
            x: Theme.margin
            anchors.top: failure.bottom
            anchors.topMargin: Theme.gap16
            width: parent.width - 2 * Theme.margin
            height: Math.max(96, implicitHeight)
            tone: page.panel.tone ?? ""
            iconName: page.panel.icon ?? ""
            text: page.panel.word ?? ""
            detail: page.panel.detail ?? ""
            Accessible.role: Accessible.AlertMessage
            Accessible.name: text + ". " + detail
        }

        Item {
            id: here

            visible: page.chosen
            x: Theme.margin
            anchors.top: band.bottom
            anchors.topMargin: Theme.gap12
            width: band.width
            height: page.running || serial.visible ? 80 : 0

            Column {
                anchors.verticalCenter: parent.verticalCenter
                width: Math.max(order.implicitWidth, serial.implicitWidth)
                spacing: 2

                SerialText {
                    id: serial

                    visible: text !== ""
                    text: page.panel.serial ?? ""
                }

                Label {
                    id: order

                    color: Theme.muted
                    text: page.panel.order ?? ""
                }
            }

            Column {
                visible: (page.panel.progressText ?? "") !== ""
                anchors.right: parent.right
                anchors.verticalCenter: parent.verticalCenter
                width: parent.width / 2
                spacing: Theme.gap8

                Label {
                    text: page.panel.progressText ?? ""
                }

                ProgressLine {
                    width: parent.width
                    value: page.panel.progress ?? 0
                }
            }

            Column {
                visible: hints.count > 0
                anchors.right: parent.right
                anchors.verticalCenter: parent.verticalCenter
                width: parent.width / 2

                Repeater {
                    id: hints

                    model: page.panel.hints ?? []

                    Mark {
                        required property var modelData

                        tone: "attention"
                        size: 24
                        text: modelData
                    }
                }
            }
        }

        Label {
            id: ask

            visible: page.chosen
            x: Theme.margin
            anchors.top: here.bottom
            anchors.topMargin: Theme.gap8
            width: band.width
            color: Theme.muted
            text: qsTr("Toque una posición para decir dónde está la sonda: así se nota si el medidor es de otra.")
            wrapMode: Text.WordWrap
        }

        Flickable {
            id: scroller

            visible: page.chosen
            x: Theme.margin
            anchors.top: ask.bottom
            anchors.topMargin: Theme.gap12
            anchors.bottom: foot.top
            anchors.bottomMargin: Theme.gap12
            width: band.width
            contentHeight: grid.implicitHeight + 6
            boundsBehavior: Flickable.StopAtBounds
            interactive: contentHeight > height
            clip: true

            Flow {
                id: grid

                x: 3
                y: 3
                width: parent.width - 6
                spacing: Theme.gap8

                Repeater {
                    model: page.panel.tiles ?? []

                    MeterTile {
                        required property var modelData

                        text: modelData.title
                        word: modelData.word
                        detail: modelData.detail
                        iconName: modelData.icon
                        tone: modelData.tone
                        here: modelData.here
                        said: modelData.said
                        onClicked: if (modelData.key !== "") page.app.panel.at(modelData.key)
                    }
                }
            }

            ScrollMark {
                view: scroller
            }
        }

        Item {
            id: foot

            visible: page.chosen
            x: Theme.margin
            anchors.bottom: parent.bottom
            anchors.bottomMargin: Theme.gap24
            width: band.width
            height: Theme.primary

            ActionButton {
                id: open

                visible: (page.panel.orderId ?? "") !== "" && !page.narrow
                height: parent.height
                width: 240
                text: qsTr("Abrir la orden")
                iconName: "orders"
                onClicked: page.app.openOrder(page.panel.orderId)
            }

            ActionButton {
                id: photoButton

                visible: !page.running && !(page.panel.canAgain ?? false)
                anchors.right: primary.left
                anchors.rightMargin: Theme.gap24
                height: parent.height
                text: page.narrow ? "" : qsTr("Foto del panel")
                Accessible.name: qsTr("Foto del panel")
                iconName: "camera"
                onClicked: page.app.panelPhoto.show()
            }

            ActionButton {
                visible: page.panel.canAgain ?? false
                anchors.right: primary.left
                anchors.rightMargin: Theme.gap24
                height: parent.height
                width: Math.max(200, implicitWidth)
                text: qsTr("Otra vez")
                iconName: "retry"
                onClicked: page.app.panel.again()
            }

            ActionButton {
                id: primary

                anchors.right: parent.right
                height: parent.height
                width: Math.min(400, parent.width)
                kind: page.running ? "secondary" : "primary"
                text: page.running ? qsTr("Parar") : qsTr("Empezar")
                note: page.running ? qsTr("Lo hecho queda; el medidor queda bien") : ""
                iconName: page.running ? "stop" : "optical"
                onClicked: page.running ? page.app.panel.stop() : page.app.panel.start()
            }
        }
    }

    // The photo of the whole panel covers the page.
    Loader {
        id: photo

        anchors.fill: parent
        active: page.chosen && page.app.panelPhoto.open
        sourceComponent: PanelPhotoView {
            focus: true
            controller: page.app.panelPhoto
        }
        onLoaded: forceActiveFocus()
        onActiveChanged: if (!active && page.chosen)
            Qt.callLater(photoButton.forceActiveFocus, Qt.OtherFocusReason)
    }
}
