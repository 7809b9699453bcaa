pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// Banco: several probes at once, one program for a pallet; a large tile a probe says what to do with its meter.
FocusScope {
    id: page

    required property AppController app
    readonly property var bench: app.bench.bench
    readonly property bool running: bench.running ?? false
    readonly property bool wide: width >= 900

    Component.onDestruction: page.app.bench.stop()

    ActionButton {
        id: back

        x: Theme.margin
        y: Theme.margin
        width: Theme.target
        leftPadding: 0
        rightPadding: 0
        iconName: "back"
        Accessible.name: qsTr("Más")
        onClicked: page.app.go("more")
    }

    Column {
        anchors.left: back.right
        anchors.leftMargin: Theme.gap16
        anchors.right: labels.visible && page.wide ? labels.left : parent.right
        anchors.rightMargin: Theme.margin
        anchors.verticalCenter: back.verticalCenter
        spacing: Theme.gap4

        Label {
            width: parent.width
            kind: Label.Value
            text: qsTr("Banco de medidores")
            wrapMode: Text.WordWrap
        }

        Label {
            visible: text !== ""
            width: parent.width
            strong: true
            color: Theme.muted
            wrapMode: Text.WordWrap
            text: [page.bench.count ?? "", page.bench.labels ?? ""].filter(text => text !== "").join(" · ")
        }
    }

    InputField {
        id: labels

        visible: page.running
        anchors.right: parent.right
        anchors.rightMargin: Theme.margin
        y: page.wide ? Theme.margin : back.y + back.height + Theme.gap16
        width: page.wide ? 440 : parent.width - 2 * Theme.margin
        iconName: "scan"
        placeholderText: qsTr("Etiqueta: escanee o escriba")
        onAccepted: {
            page.app.bench.scanned(labels.text);
            labels.clear();
        }
    }

    FailureNote {
        id: failure

        x: Theme.margin
        anchors.top: labels.visible && !page.wide ? labels.bottom : back.bottom
        anchors.topMargin: visible ? Theme.gap16 : 0
        width: parent.width - 2 * Theme.margin
        failure: page.app.bench.failure
    }

    Flickable {
        id: scroller

        x: Theme.margin
        anchors.top: failure.bottom
        anchors.topMargin: Theme.gap16
        anchors.bottom: foot.top
        anchors.bottomMargin: Theme.gap12
        width: parent.width - 2 * Theme.margin
        contentHeight: page.running ? tiles.implicitHeight + 6 : choices.implicitHeight
        boundsBehavior: Flickable.StopAtBounds
        interactive: contentHeight > height
        clip: true

        Column {
            id: choices

            visible: !page.running
            width: parent.width
            spacing: Theme.gap16

            SectionTitle {
                text: qsTr("Programa")
            }

            Flow {
                id: programs

                width: parent.width
                spacing: Theme.gap16

                Repeater {
                    model: page.bench.programs ?? []

                    ChoiceTile {
                        required property var modelData

                        width: page.wide ? (programs.width - 2 * Theme.gap16) / 3 : programs.width
                        text: modelData.title
                        chosen: page.bench.program === modelData.key
                        onClicked: page.app.bench.chooseProgram(modelData.key)
                    }
                }
            }

            SectionTitle {
                text: qsTr("Sondas")
                detail: (page.bench.ports ?? []).length === 0 ? qsTr("Conecte al menos una sonda") : ""
            }

            Flow {
                id: ports

                width: parent.width
                spacing: Theme.gap16

                Repeater {
                    model: page.bench.ports ?? []

                    ChoiceTile {
                        required property var modelData

                        width: page.wide ? (ports.width - 2 * Theme.gap16) / 3 : ports.width
                        text: modelData.title
                        detail: modelData.detail
                        chosen: (page.bench.chosen ?? []).includes(modelData.key)
                        onClicked: page.app.bench.choosePort(modelData.key)
                    }
                }
            }

            ActionButton {
                visible: (page.bench.recordings ?? 0) > 0
                text: qsTr("Grabaciones")
                note: qsTr("De los que no pasaron: %1").arg(page.bench.recordings ?? 0)
                iconName: "records"
                onClicked: page.app.openBenchRecordings()
            }
        }

        Flow {
            id: tiles

            visible: page.running
            x: 3
            y: 3
            width: parent.width - 6
            spacing: Theme.gap16

            Repeater {
                model: page.bench.tiles ?? []

                ProbeTile {
                    required property var modelData

                    width: page.wide ? (tiles.width - Theme.gap16) / 2 : tiles.width
                    title: modelData.title
                    word: modelData.word
                    detail: modelData.detail
                    iconName: modelData.icon
                    tone: modelData.tone
                    serial: modelData.serial
                    progress: modelData.progress
                    progressText: modelData.progressText
                    canAgain: modelData.canAgain
                    onAgain: page.app.bench.again(modelData.port)
                }
            }
        }

        ScrollMark {
            view: scroller
        }
    }

    Item {
        id: foot

        x: Theme.margin
        anchors.bottom: parent.bottom
        anchors.bottomMargin: Theme.gap24
        width: scroller.width
        height: Theme.primary

        ActionButton {
            visible: (page.bench.results ?? 0) > 0 && !permit.visible
            height: parent.height
            width: 280
            text: qsTr("Guardar la lista")
            note: qsTr("CSV en este equipo")
            iconName: "download"
            onClicked: page.app.bench.save()
        }

        HoldButton {
            id: permit

            visible: (page.bench.asking ?? "") !== ""
            height: parent.height
            width: Math.min(520, parent.width - primary.width - Theme.gap24)
            text: qsTr("Permitir en todo el lote: %1").arg(page.bench.asking ?? "")
            note: qsTr("Mantenga pulsado")
            onConfirmed: page.app.bench.permit()
        }

        ActionButton {
            id: primary

            anchors.right: parent.right
            height: parent.height
            width: Math.min(400, parent.width)
            kind: page.running ? "secondary" : "primary"
            enabled: page.running || ((page.bench.chosen ?? []).length > 0 && (page.bench.program ?? "") !== "")
            text: page.running ? qsTr("Parar") : qsTr("Empezar")
            note: page.running ? qsTr("Cada medidor queda bien") : enabled ? "" : qsTr("Elija programa y sonda")
            iconName: page.running ? "stop" : "optical"
            onClicked: page.running ? page.app.bench.stop() : page.app.bench.start()
        }
    }
}
