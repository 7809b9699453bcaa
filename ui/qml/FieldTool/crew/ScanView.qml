pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// Scanning, for every page that asks for a code: live picture, what is in view, and a line for keyboard or hand-held reader.
FocusScope {
    id: view

    required property ScanController scan
    readonly property bool narrow: width < 760 || width < height
    readonly property bool absent: scan.state === "absent"

    readonly property var words: {
        switch (view.scan.sought) {
        case "ticket":
            return {
                "title": qsTr("Código de inscripción"),
                "hint": qsTr("Ponga el QR de la oficina dentro del cuadro."),
                "field": qsTr("Texto del código")
            };
        case "node":
            return {
                "title": qsTr("Concentrador o panel"),
                "hint": qsTr("Acerque la etiqueta del concentrador o del panel."),
                "field": qsTr("Código del concentrador o panel")
            };
        case "seal":
            return {
                "title": qsTr("Precinto"),
                "hint": qsTr("Acerque el código del precinto."),
                "field": qsTr("Número del precinto")
            };
        }
        return {
            "title": qsTr("Medidor"),
            "hint": qsTr("Acerque la etiqueta del medidor."),
            "field": qsTr("Serie, suministro u orden")
        };
    }
    readonly property var verdict: {
        switch (view.scan.state) {
        case "read":
            return {
                "tone": "good",
                "icon": "good",
                "text": qsTr("Leído"),
                "detail": ""
            };
        case "refused":
            return {
                "tone": "attention",
                "icon": "attention",
                "text": qsTr("No es eso"),
                "detail": view.scan.reason
            };
        case "absent":
            return {
                "tone": "attention",
                "icon": "camera",
                "text": qsTr("Sin cámara"),
                "detail": view.scan.reason + " " + qsTr("Escriba el código, o léalo con un lector de mano.")
            };
        }
        return {
            "tone": "",
            "icon": "scan",
            "text": qsTr("Buscando"),
            "detail": view.words.hint
        };
    }

    Keys.onEscapePressed: view.scan.close()

    Rectangle {
        anchors.fill: parent
        color: Theme.ground

        // Nothing below is touched through the view.
        MouseArea {
            anchors.fill: parent
        }
    }

    Viewfinder {
        id: finder

        x: Theme.margin
        y: Theme.margin
        width: view.narrow ? parent.width - 2 * Theme.margin : parent.width - side.width - 3 * Theme.margin
        height: view.narrow ? Math.min(width * ratio, parent.height - side.implicitHeight - 3 * Theme.margin) : parent.height - 2 * Theme.margin
        source: "image://camera/live"
        live: view.visible
        codes: view.scan.codes
        confirmed: view.scan.state === "read"
    }

    Column {
        id: side

        x: view.narrow ? Theme.margin : parent.width - width - Theme.margin
        y: view.narrow ? finder.y + finder.height + Theme.margin : Theme.margin
        width: view.narrow ? parent.width - 2 * Theme.margin : 380
        spacing: Theme.gap16

        Label {
            width: parent.width
            kind: Label.Value
            text: view.words.title
            wrapMode: Text.WordWrap
        }

        Card {
            width: parent.width
            height: verdictWords.implicitHeight + 32
            tone: view.verdict.tone
            Accessible.role: Accessible.AlertMessage
            Accessible.name: view.verdict.text + " " + view.verdict.detail + view.scan.text

            Icon {
                id: sign

                x: 20
                y: 18
                name: view.verdict.icon
                size: 28
                color: Theme.tone(view.verdict.tone)
            }

            Column {
                id: verdictWords

                x: 64
                y: 16
                width: parent.width - x - 16
                spacing: Theme.gap4

                Label {
                    width: parent.width
                    kind: Label.Title
                    color: Theme.tone(view.verdict.tone)
                    text: view.verdict.text
                    wrapMode: Text.WordWrap
                }

                Label {
                    visible: text !== ""
                    width: parent.width
                    text: view.verdict.detail
                    wrapMode: Text.WordWrap
                }

                Label {
                    visible: text !== ""
                    width: parent.width
                    kind: Label.Title
                    font.features: Theme.serialFigures
                    text: view.scan.state === "read" ? view.scan.text : ""
                    wrapMode: Text.WrapAnywhere
                    maximumLineCount: 3
                    elide: Text.ElideRight
                    mayElide: true
                }
            }
        }

        PrintedSerial {
            id: suggestion

            // whoever types has answered it
            visible: view.scan.printed !== "" && line.text === ""
            width: parent.width
            serial: view.scan.printed
            onTaken: view.scan.takePrinted()
            onDeclined: view.scan.declinePrinted()
        }

        // A hand-held reader types and ends with Enter: the line listens from the beginning.
        InputField {
            id: line

            width: parent.width
            focus: true
            iconName: "number"
            placeholderText: view.words.field
            inputMethodHints: Qt.ImhNoPredictiveText
            onAccepted: view.scan.typed(text)
        }

        ActionButton {
            visible: !suggestion.visible
            width: parent.width
            enabled: line.text.trim() !== "" && view.scan.state !== "read"
            kind: view.absent ? "primary" : "secondary"
            text: qsTr("Usar lo escrito")
            iconName: "check"
            onClicked: view.scan.typed(line.text)
        }

        Row {
            id: ways

            readonly property bool lamp: view.scan.torch !== ""

            width: parent.width
            spacing: Theme.gap16

            ActionButton {
                visible: ways.lamp
                width: (parent.width - Theme.gap16) / 2
                leftPadding: Theme.gap12
                rightPadding: Theme.gap12
                text: view.scan.torch === "on" ? qsTr("Apagar luz") : qsTr("Linterna")
                iconName: view.scan.torch === "on" ? "torchOff" : "torch"
                onClicked: view.scan.toggleTorch()
            }

            ActionButton {
                width: ways.lamp ? (parent.width - Theme.gap16) / 2 : parent.width
                leftPadding: Theme.gap12
                rightPadding: Theme.gap12
                text: qsTr("Otra cámara")
                iconName: "camera"
                onClicked: view.scan.otherCamera()
            }
        }

        ActionButton {
            width: parent.width
            text: qsTr("Cancelar")
            iconName: "cross"
            onClicked: view.scan.close()
        }
    }
}
