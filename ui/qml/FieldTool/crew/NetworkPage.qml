pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// Red: substation, feeder, transformer, concentrator, panel, and who hangs there; a level at a time.
FocusScope {
    id: page

    required property AppController app
    readonly property NetworkController net: app.network
    readonly property var level: net.level
    readonly property var path: level.path ?? []
    readonly property var rows: level.rows ?? []

    Keys.onEscapePressed: if (page.path.length > 0) page.net.up()

    Column {
        id: head

        x: Theme.margin
        y: Theme.margin
        width: parent.width - 2 * Theme.margin
        spacing: Theme.gap16

        Row {
            width: parent.width
            spacing: Theme.gap16

            ActionButton {
                id: upButton

                width: 152
                text: page.path.length > 0 ? qsTr("Subir") : qsTr("Más")
                iconName: "back"
                onClicked: page.path.length > 0 ? page.net.up() : page.app.go("more")
            }

            InputField {
                id: field

                width: parent.width - upButton.width - scanButton.width - 2 * Theme.gap16
                height: upButton.height
                iconName: "search"
                placeholderText: qsTr("Nombre, código o serie")
                text: page.net.search
                onTextEdited: page.net.setSearch(text)
            }

            ActionButton {
                id: scanButton

                width: implicitWidth
                text: qsTr("Escanear")
                iconName: "scan"
                onClicked: page.net.scan()
            }
        }

        Breadcrumb {
            visible: page.path.length > 0
            width: parent.width
            parts: page.path.map(one => one.title).concat([page.level.title ?? ""])
        }

        FactStrip {
            visible: (page.level.facts ?? []).length > 0
            width: parent.width
            facts: page.level.facts ?? []
        }

        Label {
            visible: text !== ""
            width: parent.width
            color: Theme.attention
            text: page.level.old ?? ""
            wrapMode: Text.WordWrap
        }

        FailureNote {
            width: parent.width
            failure: page.net.failure
        }
    }

    Card {
        id: card

        visible: page.rows.length > 0
        x: Theme.margin
        y: head.y + head.height + Theme.gap16
        width: parent.width - 2 * Theme.margin
        height: Math.min(list.contentHeight, parent.height - y - Theme.gap16)

        RowList {
            id: list

            anchors.fill: parent
            model: page.rows

            delegate: ListRow {
                required property var modelData
                required property int index

                width: list.width
                firstRow: index === 0
                iconName: modelData.icon
                text: modelData.title
                detail: modelData.detail
                verdict: modelData.verdict
                verdictIcon: modelData.verdictIcon
                tone: modelData.tone
                chevron: modelData.key !== "" ? "next" : ""
                enabled: modelData.key !== ""
                onClicked: page.net.open(modelData.key)
            }

            footer: Item {
                width: list.width
                height: page.level.more ? moreButton.height + 2 * Theme.gap16 : 0

                ActionButton {
                    id: moreButton

                    visible: page.level.more === true
                    x: Theme.gap16
                    y: Theme.gap16
                    width: parent.width - 2 * Theme.gap16
                    text: qsTr("Ver más")
                    iconName: "open"
                    onClicked: page.net.more()
                }
            }
        }

        ScrollMark {
            view: list
        }
    }

    EmptyState {
        visible: page.net.known && page.rows.length === 0 && (page.net.failure.message ?? "") === ""
        x: Theme.margin
        y: card.y + Theme.gap32
        width: parent.width - 2 * Theme.margin
        iconName: (page.level.searched ?? "") !== "" ? "search" : "network"
        text: (page.level.searched ?? "") !== "" ? qsTr("No hay nada con ese nombre") : page.path.length > 0 ? qsTr("Aquí no cuelga nada todavía") : qsTr("Todavía no hay red en este equipo")
        detail: (page.level.searched ?? "") !== "" ? qsTr("Pruebe con otra parte del nombre, o escanee la etiqueta.") : page.path.length > 0 ? qsTr("Lo que se coloque aparecerá aquí.") : qsTr("Sincronice para recibirla.")
    }
}
