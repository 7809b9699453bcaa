pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Every control in every state, on two sheets.
Window {
    id: window

    property int sheet: 1
    property bool dark: false

    width: 1280
    height: 800
    visible: true
    color: Theme.ground

    Binding {
        target: Theme
        property: "dark"
        value: window.dark
    }

    Binding {
        target: Theme
        property: "reducedMotion"
        value: true
    }

    component Group: Column {
        id: group

        property string title

        spacing: Theme.gap8

        Label {
            kind: Label.Caption
            text: group.title
        }
    }

    Flow {
        visible: window.sheet === 1
        anchors.fill: parent
        anchors.margins: 24
        spacing: 24

        Group {
            title: "ActionButton: primary · secondary · danger · plain"

            Row {
                spacing: 16

                ActionButton {
                    kind: "primary"
                    text: "Seguir"
                    iconName: "forward"
                    iconAfter: true
                }

                ActionButton {
                    text: "Escanear"
                    iconName: "scan"
                }

                ActionButton {
                    kind: "danger"
                    text: "Borrar todo"
                    iconName: "danger"
                }

                ActionButton {
                    kind: "plain"
                    text: "Ver SCZ-118207"
                    iconName: "next"
                    iconAfter: true
                }

                ActionButton {
                    text: "Con foco"
                    focus: true
                    Component.onCompleted: forceActiveFocus(Qt.TabFocusReason)
                }
            }
        }

        Group {
            title: "ActionButton: todavía no"

            ActionButton {
                kind: "primary"
                enabled: false
                text: "Permitir los delicados"
                note: "disponible en 25 s"
                iconName: "lock"
            }
        }

        Group {
            title: "HoldButton: posible · todavía no"

            Row {
                spacing: 16

                HoldButton {
                    width: 300
                    text: "Abrir el relé"
                    note: "mantenga apretado 1,5 s"
                    held: 0.4
                    iconName: "relay"
                }

                HoldButton {
                    width: 300
                    enabled: false
                    text: "Abrir el relé"
                    note: "escriba antes las cuatro cifras"
                }
            }
        }

        Group {
            title: "IconButton"

            Row {
                IconButton {
                    text: "Borrar"
                    iconName: "cross"
                }

                IconButton {
                    enabled: false
                    text: "Borrar"
                    iconName: "cross"
                }
            }
        }

        Group {
            title: "Pill: pronto · tarde · en curso · bien · mal · práctica"

            Row {
                spacing: 12

                Pill {
                    text: "Queda 1 h 10 min"
                    iconName: "clock"
                }

                Pill {
                    text: "Vencida 2 días"
                    tone: "wrong"
                    filled: true
                    iconName: "late"
                }

                Pill {
                    text: "Continuar en paso 11"
                    tone: "action"
                    filled: true
                }

                Pill {
                    text: "Recibido"
                    tone: "good"
                    iconName: "good"
                }

                Pill {
                    text: "Rechazado"
                    tone: "wrong"
                    iconName: "wrong"
                }

                Pill {
                    text: "Práctica"
                    tone: "training"
                    iconName: "training"
                }
            }
        }

        Group {
            title: "Mark · Badge · Spinner"

            Row {
                spacing: 20

                Mark {
                    text: "Igual"
                }

                Mark {
                    tone: "attention"
                    text: "En revisión"
                }

                Mark {
                    tone: "wrong"
                    text: "Distinto"
                }

                Badge {
                    count: 12
                }

                Badge {
                    count: 1200
                }

                Spinner {}
            }
        }

        Group {
            title: "VerdictBand"

            Column {
                spacing: 8

                Repeater {
                    model: [["good", "Coincide", "Las cuatro fuentes nombran\nel mismo medidor."], ["attention", "Pendiente", "Se vuelve a mirar a las 14:00."], ["wrong", "No coincide", "Tiene delante otro medidor."]]

                    VerdictBand {
                        required property var modelData

                        width: 600
                        tone: modelData[0]
                        text: modelData[1]
                        detail: modelData[2]
                    }
                }
            }
        }

        Group {
            title: "SerialText: se espera · distinto · sin leer · DIN · STG"

            Column {
                spacing: 14

                SerialText {
                    text: "1LGZ0072418836"
                    marks: "............ff"
                }

                SerialText {
                    text: "1LGZ0072418863"
                    marks: "............xx"
                }

                SerialText {
                    text: "1LGZ007241????"
                    marks: "..........dddd"
                }

                SerialText {
                    text: "1LGZ0072418836"
                    size: 20
                }

                SerialText {
                    text: "ZIV0041288736"
                    size: 20
                }
            }
        }

        Group {
            title: "ProgressLine: 0 · 46 % · hecho · con meta"

            Column {
                spacing: 12

                ProgressLine {
                    width: 320
                }

                ProgressLine {
                    width: 320
                    value: 0.46
                }

                ProgressLine {
                    width: 320
                    value: 1
                }

                ProgressLine {
                    width: 320
                    value: 0.91
                    marker: 0.95
                }
            }
        }

        Group {
            title: "SavedNote"

            SavedNote {
                time: "10:42:07"
            }
        }
    }

    Flow {
        visible: window.sheet === 2
        anchors.fill: parent
        anchors.margins: 24
        spacing: 24

        Group {
            title: "NumberPad"

            NumberPad {
                width: 300
                decimals: 1
                keyHeight: 72
            }
        }

        Group {
            title: "ChoiceTile: libre · elegida"

            Column {
                spacing: 12

                ChoiceTile {
                    text: "Sin acceso"
                    detail: "Nadie abre, reja cerrada"
                    iconName: "lock"
                }

                ChoiceTile {
                    text: "Sin acceso"
                    detail: "Nadie abre, reja cerrada"
                    iconName: "lock"
                    chosen: true
                }
            }
        }

        Group {
            title: "InputField · Dropdown · TextBox"

            Column {
                spacing: 12

                InputField {
                    iconName: "search"
                    placeholderText: "Buscar serie"
                }

                InputField {
                    iconName: "search"
                    clearable: true
                    text: "8836"
                }

                Row {
                    spacing: 12

                    Dropdown {
                        width: 154
                        label: "Zona"
                        current: "a"
                        options: [
                            {
                                "key": "a",
                                "title": "Callería"
                            }
                        ]
                    }

                    StepMark {
                        number: 12
                    }

                    StepMark {
                        number: 11
                        stepState: "current"
                    }

                    StepMark {
                        stepState: "done"
                    }

                    StepMark {
                        stepState: "failed"
                    }
                }

                TextBox {
                    height: 88
                    placeholderText: "Qué pasó, en pocas palabras"
                }
            }
        }

        Group {
            title: "SlotTile: libre · ocupada · elegida · sin leer · ajena"

            Row {
                spacing: 8

                SlotTile {
                    text: "17"
                }

                SlotTile {
                    text: "18"
                    detail: "8842"
                    slotState: "taken"
                }

                SlotTile {
                    text: "11"
                    slotState: "expected"
                    chosen: true
                }

                SlotTile {
                    text: "22"
                    detail: "Sin leer"
                    slotState: "unread"
                }

                SlotTile {
                    text: "24"
                    detail: "2071"
                    slotState: "foreign"
                }
            }
        }

        Group {
            title: "ListRow"

            Card {
                width: 600
                height: 178

                Column {
                    width: parent.width

                    ListRow {
                        width: parent.width
                        firstRow: true
                        iconName: "seal"
                        text: "Precintos"
                        detail: "P3, posición 09 · ayer 17:22"
                        verdict: "No aceptado"
                        verdictDetail: "Falta la foto del precinto 2"
                        verdictIcon: "wrong"
                        tone: "wrong"
                    }

                    ListRow {
                        width: parent.width
                        iconName: "match"
                        text: "Coincidencia"
                        detail: "P3, posición 11 · 10:42"
                        verdict: "Guardado en este equipo"
                        verdictDetail: "Sale con la próxima conexión"
                        verdictIcon: "saved"
                        chevron: ""
                    }
                }
            }
        }

        Group {
            title: "FailureNote"

            FailureNote {
                width: 600
                failure: ({
                        "message": "La sonda no responde",
                        "hint": "Gírela media vuelta y compruebe que asienta en el imán.",
                        "code": "driver.no_answer"
                    })
                actionText: "Probar otra vez"
            }
        }

        Group {
            title: "FactStrip"

            FactStrip {
                width: 600
                facts: [
                    {
                        "label": "Modelo",
                        "value": "E-220 monofásico",
                        "detail": "5 (80) A",
                        "serial": false,
                        "tone": ""
                    },
                    {
                        "label": "Serie",
                        "value": "ZIV0041288736",
                        "detail": "En este camión",
                        "serial": true,
                        "tone": ""
                    }
                ]
            }
        }

        Group {
            title: "Breadcrumb · TaskIcon"

            Row {
                spacing: 16

                Repeater {
                    model: ["exchange", "install", "remove", "inspect", "reconnect", "disconnect", "installPanel", "installConcentrator"]

                    TaskIcon {
                        required property string modelData

                        kind: modelData
                        color: Theme.surface
                    }
                }
            }

            Breadcrumb {
                width: 600
                parts: ["SED Equipetrol", "TR-0412", "SCZ-CD-0412", "Panel P3"]
            }
        }
    }
}
