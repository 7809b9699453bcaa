pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.controls

// First sheet: what is pressed, and what tells: buttons, pills, marks, verdicts, serials, progress.
Flow {
    spacing: 24

    ControlGroup {
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

    ControlGroup {
        title: "ActionButton: todavía no"

        ActionButton {
            kind: "primary"
            enabled: false
            text: "Permitir los delicados"
            note: "disponible en 25 s"
            iconName: "lock"
        }
    }

    ControlGroup {
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

    ControlGroup {
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

    ControlGroup {
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

    ControlGroup {
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

    ControlGroup {
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

    ControlGroup {
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

    ControlGroup {
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

    ControlGroup {
        title: "SavedNote"

        SavedNote {
            time: "10:42:07"
        }
    }
}
