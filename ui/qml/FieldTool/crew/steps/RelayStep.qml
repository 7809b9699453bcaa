pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Relay test: dangerous, so the last four figures of the serial and a press of 1.5 s.
StepBody {
    id: body

    readonly property string ending: (step.serial ?? "").slice(-4)
    readonly property bool agreed: pad.text === ending && ending !== ""

    Column {
        id: sheet

        width: body.narrow ? parent.width : parent.width - pad.width - Theme.gap32
        spacing: Theme.gap16

        StepHead {
            width: parent.width
            step: body.step
        }

        Card {
            width: parent.width
            height: 88

            Label {
                x: 24
                anchors.verticalCenter: parent.verticalCenter
                color: Theme.muted
                text: qsTr("El relé está ahora")
            }

            Label {
                anchors.right: parent.right
                anchors.rightMargin: 24
                anchors.verticalCenter: parent.verticalCenter
                kind: Label.Value
                text: body.step.relayState ?? ""
            }
        }

        Card {
            width: parent.width
            height: 104

            Label {
                x: 24
                y: 16
                color: Theme.muted
                text: qsTr("Últimas cuatro cifras de")
            }

            SerialText {
                x: 24
                y: 48
                size: 24
                text: (body.step.serial ?? "").slice(0, -4) + "····"
            }

            Row {
                anchors.right: parent.right
                anchors.rightMargin: 24
                anchors.verticalCenter: parent.verticalCenter
                spacing: Theme.gap8

                Repeater {
                    model: 4

                    Rectangle {
                        id: box

                        required property int index

                        width: 48
                        height: 64
                        radius: Theme.radius
                        color: Theme.surface
                        border.width: 2
                        border.color: body.agreed ? Theme.good : index < pad.text.length ? Theme.ink : Theme.edge

                        Label {
                            anchors.centerIn: parent
                            kind: Label.Value
                            text: pad.text.charAt(box.index)
                        }
                    }
                }
            }
        }

        Mark {
            visible: pad.text.length === 4 && !body.agreed
            tone: "wrong"
            text: qsTr("No son las cifras de este medidor")
        }

        HoldButton {
            width: parent.width
            enabled: body.agreed && !body.procedure.busy
            iconName: "relay"
            text: qsTr("Abrir y cerrar el relé")
            note: body.agreed ? qsTr("mantenga apretado 1,5 s") : qsTr("escriba antes las cuatro cifras")
            onConfirmed: body.procedure.act("relay", {
                "confirmation": pad.text
            })
        }
    }

    NumberPad {
        id: pad

        anchors.right: parent.right
        y: body.narrow ? sheet.implicitHeight + Theme.gap24 : 0
        width: body.narrow ? parent.width : 360
        keyHeight: Math.max(72, Math.min(112, (body.height - (body.narrow ? sheet.implicitHeight + 24 : 0) - 3 * gap) / 4))
        gap: Theme.gap12
        focus: true
        digits: 4
        lastKey: ""
    }
}
