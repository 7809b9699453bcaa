pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// Existencias de la oficina: devices by place and serial; what is picked is moved, all of it or none.
FocusScope {
    id: page

    required property AppController app
    readonly property OfficeStockController stock: app.officeStock
    readonly property var shown: stock.shown
    readonly property var rows: shown.rows ?? []
    readonly property bool loaded: (shown.project ?? "") !== ""
    readonly property bool fresh: shown.fresh ?? true
    readonly property bool wide: width >= 900
    readonly property int number: stock.serials.length
    readonly property bool ready: fresh && number > 0 && !stock.busy

    Keys.onEscapePressed: page.number > 0 ? page.stock.dropAll() : page.app.go("more")

    function begin(movement: string): void {
        dialog.movement = movement;
        dialog.crew = "";
        words.text = "";
        dialog.open();
    }

    ActionButton {
        id: back

        x: Theme.margin
        y: Theme.gap16
        height: 56
        iconName: "back"
        iconSize: 22
        text: qsTr("Más")
        onClicked: page.app.go("more")
    }

    Dropdown {
        id: where

        x: back.x + back.width + Theme.gap12
        y: back.y
        width: page.wide ? 300 : parent.width - x - Theme.margin
        filter: true
        label: qsTr("Dónde")
        current: page.shown.where ?? ""
        options: page.shown.wheres ?? []
        onChosen: key => page.stock.look(key)
    }

    InputField {
        id: sought

        x: page.wide ? where.x + where.width + Theme.gap12 : Theme.margin
        y: page.wide ? back.y : back.y + back.height + Theme.gap12
        width: parent.width - x - Theme.margin
        height: 56
        font.pixelSize: Theme.body
        iconName: "search"
        clearable: true
        placeholderText: qsTr("Serie, o parte de ella")
        onTextChanged: pause.restart()
        onAccepted: {
            pause.stop();
            page.stock.search(text);
        }

        // Not a question a letter.
        Timer {
            id: pause

            interval: 300
            onTriggered: page.stock.search(sought.text)
        }
    }

    Item {
        id: side

        x: Theme.margin
        y: sought.y + sought.height + Theme.gap12
        width: page.wide ? parent.width - 360 - Theme.gap16 - 2 * Theme.margin : parent.width - 2 * Theme.margin
        height: (page.wide ? parent.height : acts.y) - y - Theme.gap16

        StaleNote {
            id: stale

            width: parent.width
            fresh: page.fresh
            at: page.shown.at ?? ""
        }

        FailureNote {
            id: failed

            anchors.top: stale.bottom
            anchors.topMargin: stale.visible && visible ? Theme.gap12 : 0
            width: parent.width
            failure: page.stock.failure
            actionText: qsTr("Probar otra vez")
            onAction: page.stock.load()
        }

        Label {
            id: count

            anchors.top: failed.bottom
            anchors.topMargin: stale.visible || failed.visible ? Theme.gap12 : 0
            visible: page.loaded
            color: Theme.muted
            text: page.shown.detail ?? ""
        }

        Card {
            visible: page.rows.length > 0
            anchors.top: count.bottom
            anchors.topMargin: Theme.gap8
            width: parent.width
            height: Math.min(parent.height - y, list.contentHeight + 2)

            RowList {
                id: list

                anchors.fill: parent
                anchors.margins: 1
                focus: true
                model: page.rows

                delegate: OfficeStockDelegate {
                    required property var modelData
                    required property int index

                    width: list.width
                    firstRow: index === 0
                    row: modelData
                    picked: page.stock.serials.includes(modelData.serial)
                    onClicked: page.stock.pick(modelData.serial)
                }

                footer: ActionButton {
                    visible: page.shown.more === true
                    width: list.width
                    height: visible ? 64 : 0
                    kind: "plain"
                    text: qsTr("Ver más")
                    iconName: "open"
                    onClicked: page.stock.more()
                }

                ScrollMark {
                    view: list
                }
            }
        }

        EmptyState {
            visible: page.loaded && page.rows.length === 0 && !page.stock.busy && !failed.visible
            anchors.centerIn: parent
            width: Math.min(480, parent.width - 24)
            iconName: "truck"
            text: qsTr("Ningún equipo aquí")
            detail: (page.shown.serial ?? "") !== "" ? qsTr("Ninguna serie contiene %1 en este lugar.").arg(page.shown.serial) : qsTr("Elija otro lugar, o cargue las existencias del proyecto.")
        }

        Spinner {
            visible: !page.loaded && page.stock.busy
            anchors.centerIn: parent
            size: 48
        }
    }

    // What is picked, and what may be done with all of it.
    Column {
        id: acts

        x: page.wide ? side.x + side.width + Theme.gap16 : Theme.margin
        y: page.wide ? side.y : parent.height - height - Theme.gap16
        width: page.wide ? 360 : parent.width - 2 * Theme.margin
        spacing: Theme.gap12

        Item {
            width: parent.width
            height: 56

            Label {
                anchors.left: parent.left
                anchors.right: none.left
                anchors.verticalCenter: parent.verticalCenter
                kind: Label.Title
                text: page.number === 0 ? qsTr("Toque los equipos que se mueven") : qsTr("%n elegidos", "", page.number)
                wrapMode: Text.WordWrap
            }

            ActionButton {
                id: none

                visible: page.number > 0
                anchors.right: parent.right
                width: visible ? implicitWidth : 0
                height: 56
                kind: "plain"
                iconName: "cross"
                iconSize: 22
                text: qsTr("Ninguno")
                onClicked: page.stock.dropAll()
            }
        }

        Label {
            visible: page.stock.full
            width: parent.width
            color: Theme.muted
            text: qsTr("Más no se mueven de una vez.")
            wrapMode: Text.WordWrap
        }

        Grid {
            id: buttons

            readonly property real cell: (width - (columns - 1) * spacing) / columns

            width: parent.width
            columns: page.wide ? 1 : 2
            spacing: Theme.gap12

            ActionButton {
                width: buttons.cell
                height: Theme.target
                kind: enabled ? "primary" : "secondary"
                iconName: "truck"
                text: page.stock.movement === "transferred" ? qsTr("Traspasar…") : qsTr("Entregar…")
                enabled: page.ready && page.stock.movement !== ""
                note: !page.fresh ? qsTr("con conexión") : page.number > 0 && page.stock.movement === "" ? qsTr("todos del almacén, o todos de camiones") : qsTr("a una cuadrilla")
                onClicked: page.begin(page.stock.movement)
            }

            ActionButton {
                width: buttons.cell
                height: Theme.target
                iconName: "back"
                text: qsTr("Al almacén…")
                enabled: page.ready && page.stock.returnable
                note: !page.fresh ? qsTr("con conexión") : qsTr("lo que está en camiones")
                onClicked: page.begin("returned")
            }

            ActionButton {
                width: buttons.cell
                height: Theme.target
                iconName: "edit"
                text: qsTr("Corregir…")
                enabled: page.ready
                note: !page.fresh ? qsTr("con conexión") : qsTr("está en otro lugar")
                onClicked: page.begin("corrected")
            }

            ActionButton {
                width: buttons.cell
                height: Theme.target
                iconName: "cross"
                text: qsTr("Dar de baja…")
                enabled: page.ready
                note: !page.fresh ? qsTr("con conexión") : qsTr("no aparece")
                onClicked: page.begin("written_off")
            }
        }
    }

    DialogPage {
        id: dialog

        property string movement: ""
        property string crew: ""
        readonly property bool toCrew: ["handed_out", "transferred", "corrected"].includes(movement)
        readonly property bool says: ["corrected", "written_off"].includes(movement)

        title: ({
                "handed_out": qsTr("Entregar %n equipos", "", page.number),
                "transferred": qsTr("Traspasar %n equipos", "", page.number),
                "returned": qsTr("Devolver %n equipos al almacén", "", page.number),
                "corrected": qsTr("Corregir dónde están %n equipos", "", page.number),
                "written_off": qsTr("Dar de baja %n equipos", "", page.number)
            }[movement] ?? "")
        text: movement === "written_off" ? qsTr("Dejan de contar en las existencias. Si aparecen, se corrige.") : qsTr("Las tabletas lo saben en su próxima sincronización. Queda anotado quién lo hizo.")
        iconName: says ? "attention" : "truck"
        tone: says ? "attention" : ""
        primaryText: qsTr("Anotar")
        primaryEnabled: !page.stock.busy && (!toCrew || crew !== "") && (!says || words.text.trim() !== "")
        onPrimary: page.stock.move(movement, crew === "store" ? "" : crew, words.text)

        Dropdown {
            visible: dialog.toCrew
            width: parent.width
            height: 64
            label: dialog.movement === "corrected" ? qsTr("Están en") : qsTr("Cuadrilla")
            current: dialog.crew
            placeholder: qsTr("Elija…")
            options: (dialog.movement === "corrected" ? [
                {
                    "key": "store",
                    "title": qsTr("Almacén")
                }
            ] : []).concat(page.shown.crews ?? [])
            onChosen: key => dialog.crew = key
        }

        TextBox {
            id: words

            width: parent.width
            height: 112
            placeholderText: dialog.says ? qsTr("Motivo (hace falta)") : qsTr("Nota (si hace falta)")
        }
    }
}
