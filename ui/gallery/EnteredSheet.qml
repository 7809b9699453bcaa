pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Second sheet: what is entered or chosen, and what lists it: figures, choices, fields, slots, rows, facts.
Flow {
    spacing: 24

    ControlGroup {
        title: "NumberPad"

        NumberPad {
            width: 300
            decimals: 1
            keyHeight: 72
        }
    }

    ControlGroup {
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

    ControlGroup {
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

    ControlGroup {
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

    ControlGroup {
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

    ControlGroup {
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

    ControlGroup {
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

    ControlGroup {
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
