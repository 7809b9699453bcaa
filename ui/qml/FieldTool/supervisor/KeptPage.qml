pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// Tabletas revocadas: what they handed over without effect; beside it the orders it is about, and taking it in.
FocusScope {
    id: page

    required property AppController app
    readonly property KeptController kept: app.kept
    readonly property var shown: kept.list
    readonly property var rows: shown.rows ?? []
    readonly property var tablet: shown.open ?? ({})
    readonly property bool tabletOpen: tablet.key !== undefined
    readonly property bool wide: width >= 900
    readonly property bool fresh: shown.fresh ?? true

    Keys.onEscapePressed: page.tabletOpen ? page.kept.open("") : page.app.go("more")

    ActionButton {
        id: back

        readonly property bool toList: !page.wide && page.tabletOpen

        x: Theme.margin
        y: Theme.gap16
        height: 56
        iconName: "back"
        iconSize: 22
        text: toList ? qsTr("Tabletas revocadas") : qsTr("Más")
        onClicked: toList ? page.kept.open("") : page.app.go("more")
    }

    Column {
        visible: !back.toList
        x: back.x + back.width + Theme.gap16
        y: back.y + (back.height - height) / 2
        width: parent.width - x - Theme.margin

        Label {
            width: parent.width
            kind: Label.Title
            text: qsTr("Tabletas revocadas")
            elide: Text.ElideRight
        }

        Label {
            visible: text !== ""
            color: Theme.muted
            text: page.shown.detail ?? ""
        }
    }

    Item {
        id: side

        visible: page.wide || !page.tabletOpen
        x: Theme.margin
        y: back.y + back.height + Theme.gap16
        width: page.wide && page.rows.length > 0 ? 400 : parent.width - 2 * Theme.margin
        height: parent.height - y - Theme.gap16

        StaleNote {
            id: stale

            width: parent.width
            fresh: page.fresh
            at: page.shown.at ?? ""
        }

        FailureNote {
            id: failed

            anchors.top: stale.bottom
            width: parent.width
            failure: page.kept.failure
            actionText: qsTr("Probar otra vez")
            onAction: page.kept.load()
        }

        Card {
            visible: page.rows.length > 0
            y: failed.y + failed.height + (failed.visible || stale.visible ? Theme.gap12 : 0)
            width: parent.width
            height: Math.min(parent.height - y, list.contentHeight + 2)

            RowList {
                id: list

                anchors.fill: parent
                anchors.margins: 1
                focus: true
                model: page.rows

                delegate: CaseDelegate {
                    required property var modelData
                    required property int index

                    firstRow: index === 0
                    width: list.width
                    lowest: 80
                    row: ({
                            "title": modelData.title,
                            "detail": modelData.detail,
                            "age": modelData.count,
                            "icon": "saved",
                            "tone": "attention"
                        })
                    chosen: page.tablet.key === modelData.key
                    onClicked: page.kept.open(modelData.key)
                }

                ScrollMark {
                    view: list
                }
            }
        }
    }

    EmptyState {
        visible: page.rows.length === 0 && !page.kept.busy && !failed.visible
        anchors.centerIn: parent
        width: Math.min(560, parent.width - 48)
        iconName: "good"
        text: qsTr("Nada espera")
        detail: qsTr("Lo que una tableta entregue después de revocada queda aquí, guardado y sin efecto.")
    }

    EmptyState {
        visible: page.wide && page.rows.length > 0 && !page.tabletOpen && !page.kept.busy
        x: detail.x + (detail.width - width) / 2
        anchors.verticalCenter: parent.verticalCenter
        width: Math.min(480, detail.width)
        iconName: "review"
        text: qsTr("Elija una tableta")
        detail: qsTr("Aquí se ve qué órdenes tocan sus registros.")
    }

    Flickable {
        id: detail

        visible: page.tabletOpen
        x: page.wide ? side.x + 400 + Theme.gap16 : Theme.margin
        y: side.y
        width: parent.width - x - Theme.margin
        height: foot.y - y - Theme.gap12
        contentHeight: sheet.implicitHeight
        boundsBehavior: Flickable.StopAtBounds
        interactive: contentHeight > height
        clip: interactive

        Column {
            id: sheet

            width: detail.width
            spacing: Theme.gap12

            Grid {
                id: facts

                width: parent.width
                columns: width >= 560 ? 2 : 1
                spacing: Theme.gap12

                Repeater {
                    model: page.tablet.facts ?? []

                    FactCard {
                        required property var modelData

                        width: (facts.width - (facts.columns - 1) * facts.spacing) / facts.columns
                        fact: modelData
                    }
                }
            }

            SectionTitle {
                height: 40
                text: qsTr("Órdenes que tocan")
                detail: page.tablet.others ?? ""
            }

            Card {
                visible: (page.tablet.orders ?? []).length > 0
                width: parent.width
                height: orders.implicitHeight + 2

                Column {
                    id: orders

                    y: 1
                    width: parent.width

                    Repeater {
                        model: page.tablet.orders ?? []

                        CaseDelegate {
                            required property var modelData
                            required property int index

                            firstRow: index === 0
                            width: orders.width
                            enabled: modelData.id !== ""
                            row: ({
                                    "title": modelData.title,
                                    "detail": modelData.detail,
                                    "age": modelData.state,
                                    "icon": modelData.icon,
                                    "tone": ""
                                })
                            onClicked: {
                                page.app.office.openOrder(modelData.id);
                                page.app.go("officeOrders");
                            }
                        }
                    }
                }
            }

            Label {
                visible: (page.tablet.orders ?? []).length === 0 && !page.kept.busy
                width: parent.width
                color: Theme.muted
                text: qsTr("Ninguna: son registros de la tableta misma.")
                wrapMode: Text.WordWrap
            }
        }

        ScrollMark {
            view: detail
        }
    }

    Item {
        id: foot

        visible: page.tabletOpen
        x: detail.x
        width: detail.width
        height: Theme.target
        anchors.bottom: parent.bottom
        anchors.bottomMargin: Theme.gap16

        Label {
            anchors.left: parent.left
            anchors.right: accept.left
            anchors.rightMargin: Theme.gap16
            anchors.verticalCenter: parent.verticalCenter
            color: Theme.muted
            text: qsTr("No hay que rechazar nada: lo que no se acepta queda guardado y sin efecto.")
            wrapMode: Text.WordWrap
        }

        ActionButton {
            id: accept

            anchors.right: parent.right
            height: parent.height
            width: Math.min(parent.width * 0.5, Math.max(280, implicitWidth))
            kind: "primary"
            iconName: "good"
            text: qsTr("Aceptar…")
            enabled: page.fresh && !page.kept.busy
            note: page.fresh ? "" : qsTr("con conexión")
            onClicked: {
                words.text = "";
                dialog.open();
            }
        }
    }

    DialogPage {
        id: dialog

        title: qsTr("Aceptar %1 registros").arg(page.tablet.count ?? "")
        text: qsTr("Se juzgan otra vez como si la tableta no se hubiera revocado, y cuentan en sus órdenes. La firma y todo lo demás se comprueba igual. La tableta sigue revocada. Queda anotado quién lo aceptó y por qué; no se deshace.")
        iconName: "attention"
        tone: "attention"
        primaryText: qsTr("Aceptar registros")
        primaryEnabled: words.text.trim() !== "" && !page.kept.busy
        onPrimary: page.kept.accept(words.text.trim())

        Flow {
            width: parent.width
            spacing: Theme.gap8

            Repeater {
                model: page.shown.reasons ?? []

                ActionButton {
                    required property string modelData

                    height: 64
                    iconSize: 20
                    iconName: words.text === modelData ? "check" : "plus"
                    text: modelData
                    onClicked: words.text = modelData
                }
            }
        }

        TextBox {
            id: words

            width: parent.width
            height: 112
            placeholderText: qsTr("Motivo (hace falta)")
        }
    }
}
