pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.controls

// Permission for the dangerous changes of a plan: what they are, then the two safeguards.
StepBody {
    id: body

    readonly property var dangerous: (step.changes ?? []).filter(change => change.danger && change.state !== "verified")

    allExtras: []
    primaryText: ""

    DangerConfirm {
        anchors.fill: parent
        narrow: body.narrow
        focus: true
        serial: body.step.serial ?? ""
        actionText: qsTr("Permitir y escribir")
        busy: body.procedure.busy
        onConfirmed: figures => {
            body.procedure.act("allow", {
                "allow": body.dangerous.map(change => change.id),
                "confirmation": figures
            });
            body.closeSheet();
        }

        Label {
            width: parent.width
            kind: Label.Value
            text: qsTr("Cambios delicados")
            wrapMode: Text.WordWrap
        }

        Card {
            width: parent.width
            height: rows.implicitHeight + 4
            tone: "attention"

            Column {
                id: rows

                x: 2
                y: 2
                width: parent.width - 4

                Repeater {
                    model: body.dangerous

                    Item {
                        id: row

                        required property var modelData

                        width: rows.width
                        height: Math.max(64, words.implicitHeight + 24)

                        Column {
                            id: words

                            x: 20
                            anchors.verticalCenter: parent.verticalCenter
                            width: parent.width - 40

                            Label {
                                width: parent.width
                                strong: true
                                text: row.modelData.item
                                wrapMode: Text.WordWrap
                            }

                            Label {
                                width: parent.width
                                text: row.modelData.now + " → " + row.modelData.willBe
                                wrapMode: Text.WordWrap
                            }
                        }
                    }
                }
            }
        }
    }
}
