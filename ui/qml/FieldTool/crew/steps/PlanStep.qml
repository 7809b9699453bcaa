pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Plan, apply, verify: what holds now, what will hold, how far it is; dangerous changes apart and one by one.
StepBody {
    id: body

    readonly property var ordinary: (body.step.changes ?? []).filter(change => !change.danger)
    readonly property var dangerous: (body.step.changes ?? []).filter(change => change.danger)
    readonly property bool applying: body.step.progressText !== ""

    function accept(): void {
        if (body.step.value === "allow")
            body.openSheet("allow");
        else if (body.step.value === "apply" || body.step.value === "plan")
            body.procedure.act(body.step.value, {});
        else
            body.procedure.accept({});
    }

    readonly property var looks: ({
            "waiting": ["clock", "muted", false],
            "writing": ["busy", "ink", true],
            "verified": ["good", "good", false],
            "failed": ["wrong", "wrong", false],
            "rolled_back": ["undo", "attention", false],
            "needs_permission": ["lock", "attention", false],
            "untouched": ["minus", "muted", false]
        })

    component ChangeRow: Rectangle {
        id: row

        required property var change
        property bool first: false
        readonly property var look: body.looks[change.state] ?? ["clock", "muted", false]
        readonly property real nowAt: body.narrow ? 24 : 309
        readonly property real willAt: body.narrow ? width * 0.42 : 499
        readonly property real stateAt: body.narrow ? width - 52 : 688

        width: parent.width
        height: body.narrow ? 64 : 40
        color: look[2] ? Theme.selection : "transparent"

        Hairline {
            width: parent.width
            height: 1
        }

        Label {
            x: 24
            y: body.narrow ? 9 : (parent.height - height) / 2
            width: (body.narrow ? row.stateAt : row.nowAt) - x - 8
            strong: true
            text: row.change.item
            elide: Text.ElideRight
        }

        Label {
            x: row.nowAt
            y: body.narrow ? 33 : (parent.height - height) / 2
            width: row.willAt - x - 8
            color: Theme.muted
            text: row.change.now
            elide: Text.ElideRight
        }

        Label {
            x: row.willAt
            y: body.narrow ? 33 : (parent.height - height) / 2
            width: row.stateAt - x - 8
            strong: true
            text: row.change.willBe
            elide: Text.ElideRight
        }

        Spinner {
            visible: row.look[0] === "busy"
            x: row.stateAt
            anchors.verticalCenter: parent.verticalCenter
            size: 22
        }

        Icon {
            visible: row.look[0] !== "busy"
            x: row.stateAt
            anchors.verticalCenter: parent.verticalCenter
            name: row.look[0]
            size: 22
            color: Theme.tone(row.look[1])
        }

        Label {
            visible: !body.narrow
            x: row.stateAt + 32
            anchors.verticalCenter: parent.verticalCenter
            width: parent.width - x - 8
            font.weight: row.look[2] ? Font.DemiBold : Font.Medium
            color: Theme.tone(row.look[1])
            text: row.change.stateText
            elide: Text.ElideRight
        }
    }

    Item {
        id: head

        y: -4
        width: parent.width
        height: 32

        Label {
            id: programLabel

            visible: !body.narrow
            anchors.verticalCenter: parent.verticalCenter
            color: Theme.muted
            text: qsTr("Programa")
        }

        Label {
            anchors.verticalCenter: parent.verticalCenter
            x: body.narrow ? 0 : programLabel.width + 8
            width: (body.narrow ? serial.x : meterLabel.x) - x - 12
            strong: true
            text: body.step.program
            elide: Text.ElideRight
        }

        Label {
            id: meterLabel

            anchors.verticalCenter: parent.verticalCenter
            x: serial.x - width - 10
            visible: !body.narrow
            color: Theme.muted
            text: qsTr("Medidor")
        }

        SerialText {
            id: serial

            anchors.right: parent.right
            anchors.verticalCenter: parent.verticalCenter
            size: Theme.title
            text: body.step.serial
        }
    }

    Card {
        id: progress

        visible: body.applying
        y: 34
        width: parent.width
        height: visible ? 76 : 0

        Label {
            x: 24
            y: 13
            kind: Label.Title
            text: body.step.progressText
        }

        Label {
            anchors.right: parent.right
            anchors.rightMargin: 24
            y: 13
            visible: body.step.secondsLeft >= 0
            kind: Label.Title
            text: qsTr("Quedan %1 s").arg(body.step.secondsLeft)
        }

        ProgressLine {
            x: 24
            y: 46
            width: parent.width - 48
            value: body.step.progress
        }
    }

    Flickable {
        id: scroller

        y: progress.visible ? progress.y + progress.height + Theme.gap12 : 34
        width: parent.width + Theme.gap16
        height: parent.height - y + 8
        contentHeight: tables.implicitHeight
        interactive: contentHeight > height
        boundsBehavior: Flickable.StopAtBounds
        clip: interactive

        Column {
            id: tables

            width: scroller.width - Theme.gap16
            spacing: Theme.gap12

            Card {
                visible: body.ordinary.length > 0
                width: parent.width
                height: table.implicitHeight + 2

                Column {
                    id: table

                    x: 1
                    y: 1
                    width: parent.width - 2

                    Item {
                        id: titles

                        width: parent.width
                        height: 32

                        Repeater {
                            model: body.narrow ? ["", qsTr("Ahora"), qsTr("Será"), ""] : [qsTr("Ítem"), qsTr("Ahora"), qsTr("Será"), qsTr("Estado")]

                            Label {
                                required property string modelData
                                required property int index
                                readonly property var places: body.narrow ? [24, 24, titles.width * 0.42, 24] : [24, 309, 499, 688]

                                x: places[index]
                                y: (titles.height - height) / 2
                                kind: Label.Caption
                                font.weight: Font.Medium
                                text: modelData
                            }
                        }
                    }

                    Repeater {
                        model: body.ordinary

                        ChangeRow {
                            required property var modelData

                            change: modelData
                        }
                    }
                }
            }

            Card {
                visible: body.dangerous.length > 0
                width: parent.width
                height: visible ? dangerTable.implicitHeight + 4 : 0
                border.width: 2
                border.color: Theme.attention

                Column {
                    id: dangerTable

                    x: 2
                    y: 2
                    width: parent.width - 4

                    Rectangle {
                        width: parent.width
                        height: 41
                        color: Theme.attentionTint
                        topLeftRadius: Theme.cardRadius - 2
                        topRightRadius: Theme.cardRadius - 2

                        Icon {
                            x: 22
                            anchors.verticalCenter: parent.verticalCenter
                            name: "attention"
                            size: 24
                            color: Theme.attention
                        }

                        Label {
                            x: 58
                            anchors.verticalCenter: parent.verticalCenter
                            strong: true
                            color: Theme.attention
                            text: qsTr("Cambios delicados")
                        }

                        Label {
                            anchors.right: parent.right
                            anchors.rightMargin: 22
                            anchors.verticalCenter: parent.verticalCenter
                            visible: !body.narrow
                            font.weight: Font.Medium
                            text: qsTr("Van al final, de uno en uno")
                        }
                    }

                    Repeater {
                        model: body.dangerous

                        ChangeRow {
                            required property var modelData

                            change: modelData
                        }
                    }
                }
            }

            RecordingLine {
                width: parent.width
                procedure: body.procedure
                recording: body.applying ? "" : body.step.recording ?? ""
            }
        }

        ScrollMark {
            view: scroller
        }
    }
}
