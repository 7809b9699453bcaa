pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// Existencias: what lies on the truck. An act (take over, bring back, hand on, count) gathers devices by scanning and
// takes them all at once.
FocusScope {
    id: page

    required property AppController app
    readonly property StockController room: app.stock
    readonly property bool narrow: width < 900
    readonly property var acts: ({
            "receive": qsTr("Recibir"),
            "return": qsTr("Devolver al almacén"),
            "transfer": qsTr("Entregar a otra cuadrilla"),
            "count": qsTr("Contar")
        })
    readonly property bool crewMissing: room.act === "transfer" && room.crew === ""
    readonly property bool nothingPicked: room.picked.length === 0 && room.act !== "count"

    Flickable {
        id: scroller

        width: parent.width
        height: parent.height - (foot.visible ? foot.height : 0)
        contentHeight: sheet.y + sheet.implicitHeight + Theme.gap24
        boundsBehavior: Flickable.StopAtBounds
        interactive: contentHeight > height
        clip: interactive

        Column {
            id: sheet

            x: Theme.margin
            y: Theme.margin
            width: Math.min(1040, parent.width - 2 * Theme.margin)
            spacing: Theme.gap24

            Row {
                width: parent.width
                spacing: Theme.gap16

                ActionButton {
                    id: backButton

                    text: qsTr("Más")
                    iconName: "back"
                    visible: page.room.act === ""
                    onClicked: page.app.go("more")
                }

                Label {
                    width: parent.width - (backButton.visible ? backButton.width + Theme.gap16 : 0)
                    height: backButton.height
                    verticalAlignment: Text.AlignVCenter
                    kind: Label.Value
                    text: page.room.act === "" ? qsTr("Existencias") : page.acts[page.room.act]
                    elide: Text.ElideRight
                    mayElide: true
                }
            }

            Card {
                visible: (page.room.done.text ?? "") !== "" && page.room.act === ""
                width: parent.width
                height: outcome.implicitHeight + 32
                tone: page.room.done.tone ?? ""
                Accessible.role: Accessible.AlertMessage
                Accessible.name: page.room.done.text ?? ""

                Icon {
                    x: 20
                    y: 18
                    name: page.room.done.tone === "good" ? "good" : "attention"
                    size: 28
                    color: Theme.tone(page.room.done.tone ?? "")
                }

                Column {
                    id: outcome

                    x: 64
                    y: 16
                    width: parent.width - x - 16
                    spacing: Theme.gap4

                    Label {
                        width: parent.width
                        kind: Label.Title
                        color: Theme.tone(page.room.done.tone ?? "")
                        text: page.room.done.text ?? ""
                        wrapMode: Text.WordWrap
                    }

                    Repeater {
                        model: page.room.done.doubts ?? []

                        Label {
                            required property string modelData

                            width: outcome.width
                            font.features: Theme.serialFigures
                            text: modelData
                            wrapMode: Text.WordWrap
                        }
                    }
                }
            }

            Card {
                visible: (page.room.failure.message ?? "") !== ""
                width: parent.width
                height: trouble.implicitHeight + 32
                tone: "wrong"

                Label {
                    id: trouble

                    x: 20
                    y: 16
                    width: parent.width - 40
                    color: Theme.wrong
                    text: (page.room.failure.message ?? "") + " " + (page.room.failure.hint ?? "")
                    wrapMode: Text.WordWrap
                }
            }

            Grid {
                id: choices

                visible: page.room.act === ""
                width: parent.width
                columns: page.narrow ? 1 : 2
                spacing: Theme.gap16

                Repeater {
                    model: [
                        {
                            "key": "receive",
                            "icon": "truck"
                        },
                        {
                            "key": "transfer",
                            "icon": "forward"
                        },
                        {
                            "key": "return",
                            "icon": "empty"
                        },
                        {
                            "key": "count",
                            "icon": "orders"
                        }
                    ]

                    ActionButton {
                        required property var modelData

                        width: (choices.width - (choices.columns - 1) * Theme.gap16) / choices.columns
                        text: page.acts[modelData.key]
                        iconName: modelData.icon
                        onClicked: page.room.begin(modelData.key)
                    }
                }
            }

            FactStrip {
                visible: page.room.act === "" && facts.length > 0
                width: parent.width
                facts: page.room.stock.facts ?? []
            }

            // ── An act under way ────────────────────────────────────────────

            Flow {
                id: crews

                visible: page.room.act === "transfer"
                width: parent.width
                spacing: Theme.gap16

                Repeater {
                    model: page.room.stock.crews ?? []

                    ChoiceTile {
                        required property var modelData

                        width: page.narrow ? crews.width : (crews.width - 2 * Theme.gap16) / 3
                        text: modelData.title
                        detail: modelData.detail
                        chosen: page.room.crew === modelData.key
                        onClicked: page.room.chooseCrew(modelData.key)
                    }
                }
            }

            Row {
                visible: page.room.act !== ""
                width: parent.width
                spacing: Theme.gap16

                ActionButton {
                    id: scanButton

                    text: qsTr("Escanear")
                    iconName: "scan"
                    onClicked: page.room.scan()
                }

                InputField {
                    id: line

                    width: parent.width - scanButton.width - Theme.gap16
                    iconName: "number"
                    placeholderText: qsTr("Serie, y Intro")
                    inputMethodHints: Qt.ImhNoPredictiveText
                    onAccepted: {
                        page.room.pick(text);
                        clear();
                    }
                }
            }

            Column {
                visible: page.room.act !== ""
                width: parent.width

                SectionTitle {
                    text: qsTr("Equipos")
                    detail: page.room.picked.length === 0 ? qsTr("todavía ninguno") : String(page.room.picked.length)
                }

                Card {
                    visible: page.room.picked.length > 0
                    width: parent.width
                    height: pickedRows.implicitHeight

                    Column {
                        id: pickedRows

                        width: parent.width

                        Repeater {
                            model: page.room.picked

                            ListRow {
                                required property string modelData
                                required property int index

                                width: pickedRows.width
                                firstRow: index === 0
                                text: modelData
                                iconName: "label"
                                verdict: qsTr("Quitar")
                                verdictIcon: "cross"
                                chevron: ""
                                onClicked: page.room.drop(modelData)
                            }
                        }
                    }
                }
            }

            // ── What lies on the truck ──────────────────────────────────────

            Column {
                visible: page.room.act === "" && page.room.known
                width: parent.width

                SectionTitle {
                    text: qsTr("En este camión")
                    detail: (page.room.stock.rows ?? []).length === 0 ? qsTr("nada, según la lista") : page.room.stock.crew
                }

                Card {
                    visible: (page.room.stock.rows ?? []).length > 0
                    width: parent.width
                    height: truck.implicitHeight

                    Column {
                        id: truck

                        width: parent.width

                        Repeater {
                            model: page.room.stock.rows ?? []

                            ListRow {
                                required property var modelData
                                required property int index

                                width: truck.width
                                firstRow: index === 0
                                text: modelData.title
                                detail: modelData.detail
                                iconName: modelData.icon
                                verdict: modelData.state
                                tone: modelData.tone
                                chevron: ""
                                enabled: false
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

        visible: page.room.act !== ""
        anchors.bottom: parent.bottom
        width: parent.width
        height: Theme.primary + 2 * Theme.gap16
        color: Theme.ground

        Hairline {
            width: parent.width
            height: 1
        }

        ActionButton {
            x: Theme.margin
            y: Theme.gap16
            height: Theme.primary
            text: qsTr("Cancelar")
            iconName: "cross"
            onClicked: page.room.leave()
        }

        ActionButton {
            anchors.right: parent.right
            anchors.rightMargin: Theme.margin
            y: Theme.gap16
            width: Math.min(420, parent.width / 2)
            height: Theme.primary
            kind: "primary"
            enabled: !page.room.busy && !page.crewMissing && !page.nothingPicked
            text: page.room.act === "count" ? qsTr("Cerrar el conteo") : qsTr("Guardar")
            note: page.crewMissing ? qsTr("elija la cuadrilla") : page.nothingPicked ? qsTr("escanee al menos uno") : ""
            iconName: "check"
            onClicked: page.room.save()
        }
    }
}
