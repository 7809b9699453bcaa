pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme

// The two safeguards of a dangerous act: the last four figures of the serial, then a press of 1.5 s.
FocusScope {
    id: confirm

    property string serial: ""
    property string actionText: ""
    property string iconName: "danger"
    property bool busy: false
    property bool narrow: false
    default property alias content: above.data

    readonly property string ending: serial.slice(-4)
    readonly property bool agreed: pad.text === ending && ending !== ""

    signal confirmed(string figures)

    Column {
        id: sheet

        width: confirm.narrow ? parent.width : parent.width - pad.width - Theme.gap32
        spacing: Theme.gap16

        Column {
            id: above

            width: parent.width
            spacing: Theme.gap16
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
                masked: 4
                text: confirm.serial
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
                        border.color: confirm.agreed ? Theme.good : index < pad.text.length ? Theme.ink : Theme.edge

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
            visible: pad.text.length === 4 && !confirm.agreed
            tone: "wrong"
            text: qsTr("No son las cifras de este medidor")
        }

        HoldButton {
            width: parent.width
            enabled: confirm.agreed && !confirm.busy
            iconName: confirm.iconName
            text: confirm.actionText
            note: confirm.agreed ? qsTr("mantenga apretado 1,5 s") : qsTr("escriba antes las cuatro cifras")
            onConfirmed: {
                // Typed again for the next time: what was done once is not armed any more.
                const figures = pad.text;
                pad.text = "";
                confirm.confirmed(figures);
            }
        }
    }

    NumberPad {
        id: pad

        anchors.right: parent.right
        y: confirm.narrow ? sheet.implicitHeight + Theme.gap24 : 0
        width: confirm.narrow ? parent.width : 360
        keyHeight: Math.max(72, Math.min(112, (confirm.height - (confirm.narrow ? sheet.implicitHeight + 24 : 0) - 3 * gap) / 4))
        gap: Theme.gap12
        focus: true
        digits: 4
        lastKey: ""
    }
}
