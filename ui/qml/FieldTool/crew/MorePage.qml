pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// Más: what each day brings first, then what is set once, last which of the office's files are in use.
FocusScope {
    id: page

    required property AppController app

    Flickable {
        id: scroller

        anchors.fill: parent
        contentHeight: sheet.y + sheet.implicitHeight + Theme.gap24
        boundsBehavior: Flickable.StopAtBounds
        interactive: contentHeight > height

        Column {
            id: sheet

            x: Theme.margin
            y: Theme.margin
            width: Math.min(880, parent.width - 2 * Theme.margin)
            spacing: Theme.gap24

            Column {
                visible: page.app.session.role !== "supervisor"
                width: parent.width

                SectionTitle {
                    text: qsTr("Existencias")
                    detail: qsTr("Lo que lleva este camión")
                }

                Flow {
                    id: stock

                    readonly property real half: width < 700 ? width : (width - Theme.gap16) / 2

                    width: parent.width
                    spacing: Theme.gap16

                    ActionButton {
                        width: stock.half
                        text: qsTr("Ver y mover")
                        note: qsTr("Recibir, entregar, devolver, contar")
                        iconName: "truck"
                        onClicked: page.app.go("stock")
                    }

                    ActionButton {
                        width: stock.half
                        text: qsTr("Banco de medidores")
                        note: qsTr("Varias sondas, un programa")
                        iconName: "optical"
                        onClicked: page.app.go("bench")
                    }
                }
            }

            Column {
                width: parent.width

                SectionTitle {
                    text: qsTr("Red")
                    detail: qsTr("Quién cuelga de dónde, y qué se oye")
                }

                ActionButton {
                    width: 320
                    text: qsTr("Ver la red")
                    note: qsTr("Subestación, transformador, concentrador, panel")
                    iconName: "network"
                    onClicked: page.app.go("network")
                }
            }

            Column {
                visible: page.app.session.role === "supervisor"
                width: parent.width

                SectionTitle {
                    text: qsTr("Existencias")
                    detail: qsTr("Almacén y camiones del proyecto")
                }

                ActionButton {
                    width: 320
                    text: qsTr("Ver y mover")
                    note: qsTr("Entregar, devolver, corregir, dar de baja")
                    iconName: "truck"
                    onClicked: page.app.go("officeStock")
                }
            }

            Column {
                visible: page.app.session.role === "supervisor"
                width: parent.width

                SectionTitle {
                    text: qsTr("Tabletas revocadas")
                    detail: qsTr("Lo que entregaron después y no cuenta todavía")
                }

                ActionButton {
                    width: 320
                    text: qsTr("Ver lo que espera")
                    note: qsTr("Registros guardados sin efecto")
                    iconName: "saved"
                    onClicked: page.app.go("kept")
                }
            }

            Column {
                width: parent.width

                SectionTitle {
                    text: qsTr("Turno")
                    detail: page.app.session.chosen.name ?? ""
                }

                ActionButton {
                    width: 320
                    text: qsTr("Salir")
                    note: qsTr("Lo hecho queda en este equipo")
                    iconName: "signOut"
                    onClicked: page.app.session.leave()
                }
            }

            Column {
                width: parent.width

                SectionTitle {
                    text: qsTr("Idioma")
                }

                LanguageTiles {
                    width: parent.width
                    options: page.app.languages
                    current: page.app.language
                    onChosen: key => page.app.setLanguage(key)
                }
            }

            Column {
                width: parent.width

                SectionTitle {
                    text: qsTr("Pantalla")
                }

                Row {
                    width: parent.width
                    spacing: Theme.gap16

                    ChoiceTile {
                        width: (parent.width - Theme.gap16) / 2
                        text: qsTr("Clara, para el sol")
                        iconName: "light"
                        chosen: !page.app.dark
                        onClicked: if (page.app.dark) page.app.toggleTheme()
                    }

                    ChoiceTile {
                        width: (parent.width - Theme.gap16) / 2
                        text: qsTr("Oscura, para la noche")
                        iconName: "dark"
                        chosen: page.app.dark
                        onClicked: if (!page.app.dark) page.app.toggleTheme()
                    }
                }
            }

            Column {
                visible: page.app.canBeep
                width: parent.width

                SectionTitle {
                    text: qsTr("Al leer un código")
                }

                Row {
                    width: parent.width
                    spacing: Theme.gap16

                    ChoiceTile {
                        width: (parent.width - Theme.gap16) / 2
                        text: qsTr("Sin sonido")
                        iconName: "mute"
                        chosen: !page.app.beep
                        onClicked: if (page.app.beep) page.app.setBeep(false)
                    }

                    ChoiceTile {
                        width: (parent.width - Theme.gap16) / 2
                        text: qsTr("Con sonido")
                        iconName: "sound"
                        chosen: page.app.beep
                        onClicked: if (!page.app.beep) page.app.setBeep(true)
                    }
                }
            }

            Column {
                width: parent.width

                SectionTitle {
                    text: qsTr("Posición")
                    detail: qsTr("Se toma en los pasos que la piden; nunca se sigue a nadie")
                }

                Flow {
                    id: receivers

                    width: parent.width
                    spacing: Theme.gap16

                    Repeater {
                        model: page.app.positionSources.options ?? []

                        ChoiceTile {
                            required property var modelData

                            width: (receivers.width - 2 * Theme.gap16) / 3
                            text: modelData.title
                            detail: modelData.detail
                            chosen: page.app.positionSources.chosen === modelData.key
                            onClicked: page.app.usePositionSource(modelData.key)
                        }
                    }
                }
            }

            Column {
                visible: page.app.references.known
                width: parent.width

                SectionTitle {
                    text: qsTr("Procedimientos y reglas")
                    detail: page.app.references.rows.length === 0 ? qsTr("Los que trae el programa") : qsTr("Los que publicó la oficina")
                }

                Card {
                    visible: page.app.references.rows.length > 0
                    width: parent.width
                    height: files.implicitHeight

                    Column {
                        id: files

                        width: parent.width

                        Repeater {
                            model: page.app.references.rows

                            ListRow {
                                required property var modelData
                                required property int index

                                width: files.width
                                firstRow: index === 0
                                text: modelData.title
                                detail: modelData.detail
                                iconName: modelData.icon
                                verdict: modelData.verdict
                                verdictDetail: modelData.verdictDetail
                                verdictIcon: modelData.verdictIcon
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
}
