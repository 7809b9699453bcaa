pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Scan: the live picture with a frame on every code; the serial read stands large; typing by hand is the last way.
StepBody {
    id: body

    readonly property bool read: (step.serial ?? "") !== ""
    property bool typing: false
    property string declined: ""

    primaryText: typing ? qsTr("Usar esta serie") : read ? (step.primary || qsTr("Seguir")) : qsTr("Escanear")
    primaryIcon: typing ? "check" : read ? "forward" : "scan"
    property string reason: reasons.length === 1 ? reasons[0].key : ""
    readonly property var reasons: step.reasons ?? []
    readonly property var chosen: reasons.find(one => one.key === reason) ?? ({})
    readonly property bool photoMissing: chosen.needsPhoto === true && (step.photos ?? []).length === 0
    readonly property bool typedReady: serial.text.trim().length >= 4 && (reasons.length === 0 || reason !== "") && !photoMissing

    primaryReady: !procedure.busy && (!typing || typedReady)
    primaryNote: !typing ? "" : serial.text.trim().length < 4 ? qsTr("escriba la serie") : reasons.length > 0 && reason === "" ? qsTr("diga por qué") : photoMissing ? qsTr("falta la foto") : ""
    extras: typing ? [
        {
            "key": "camera",
            "text": qsTr("Cámara"),
            "icon": "camera"
        }
    ] : [
        {
            "key": read ? "again" : "type",
            "text": read ? qsTr("Otra vez") : qsTr("No se lee…"),
            "icon": read ? "scan" : "number"
        }
    ]
    onReadChanged: if (read) typing = false
    onExtra: key => {
        if (key === "type")
            body.typing = true;
        else if (key === "camera")
            body.typing = false;
        else
            body.procedure.act("scan", {});
    }

    function accept(): void {
        if (body.typing)
            body.procedure.act("typed", {
                "serial": serial.text.trim().toUpperCase(),
                "reason": body.reason
            });
        else if (body.read)
            body.procedure.accept({});
        else
            body.procedure.act("scan", {});
    }

    Viewfinder {
        id: finder

        width: body.narrow ? parent.width : parent.width - 344 - Theme.gap24
        height: Math.min(width * ratio, body.narrow ? parent.height - side.implicitHeight - Theme.gap24 : parent.height)
        source: body.step.picture ?? ""
        live: body.step.live === true
        codes: body.step.codes ?? []
    }

    Column {
        id: side

        x: body.narrow ? 0 : parent.width - width
        y: body.narrow ? finder.height + Theme.gap24 : 0
        width: body.narrow ? parent.width : 344
        spacing: Theme.gap16

        StepHead {
            width: parent.width
            step: body.step
        }

        Repeater {
            model: body.read || body.typing ? [] : (body.step.facts ?? [])

            FactCard {
                required property var modelData

                width: side.width
                fact: modelData
            }
        }

        Card {
            visible: body.read && !body.typing
            width: parent.width
            height: 88
            tone: "good"

            SerialText {
                anchors.centerIn: parent
                size: 24
                text: body.step.serial ?? ""
            }
        }

        // A tap confirms it, and it still counts as typed: with a reason, and judged like any other.
        PrintedSerial {
            visible: !body.read && !body.typing && (body.step.printed ?? "") !== "" && body.step.printed !== body.declined
            width: parent.width
            serial: body.step.printed ?? ""
            onTaken: {
                body.typing = true;
                serial.text = body.step.printed;
            }
            onDeclined: body.declined = body.step.printed
        }

        InputField {
            id: serial

            visible: body.typing
            width: parent.width
            placeholderText: qsTr("Serie de la etiqueta")
            font.capitalization: Font.AllUppercase
            inputMethodHints: Qt.ImhUppercaseOnly | Qt.ImhNoPredictiveText
            onVisibleChanged: if (visible) forceActiveFocus()
            onAccepted: if (body.primaryReady) body.accept()
        }

        Repeater {
            model: body.typing ? body.reasons : []

            ChoiceTile {
                required property var modelData

                width: side.width
                text: modelData.title
                chosen: body.reason === modelData.key
                onClicked: body.reason = modelData.key
            }
        }

        ActionButton {
            visible: body.typing && body.chosen.needsPhoto === true
            width: parent.width
            text: body.photoMissing ? qsTr("Tomar foto") : qsTr("Foto tomada")
            iconName: body.photoMissing ? "camera" : "good"
            onClicked: body.procedure.act("photo", {
                "what": body.reason
            })
        }

        Repeater {
            model: body.typing ? [] : (body.step.codes ?? [])

            Row {
                id: found

                required property var modelData

                width: side.width
                spacing: Theme.gap12

                Icon {
                    id: foundIcon

                    name: found.modelData.state === "read" ? "good" : found.modelData.state === "foreign" ? "wrong" : "unknown"
                    size: 24
                    color: Theme.tone(found.modelData.state === "read" ? "good" : found.modelData.state === "foreign" ? "wrong" : "attention")
                }

                Column {
                    width: parent.width - foundIcon.width - Theme.gap12

                    Label {
                        width: parent.width
                        strong: true
                        text: found.modelData.text || qsTr("Sin leer")
                        wrapMode: Text.WrapAnywhere
                        maximumLineCount: 2
                        elide: Text.ElideRight
                        mayElide: true
                    }

                    Label {
                        width: parent.width
                        kind: Label.Caption
                        text: found.modelData.state === "read" ? qsTr("Serie del medidor") : found.modelData.state === "foreign" ? qsTr("No es una serie de medidor") : qsTr("Acérquese o evite el reflejo")
                        wrapMode: Text.WordWrap
                    }
                }
            }
        }
    }
}
