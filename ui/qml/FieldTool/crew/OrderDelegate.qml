import QtQuick
import QtQuick.Templates as T
import FieldTool.theme
import FieldTool.controls

// One order in the list: address large, supply number and task below, SLA only when it matters.
T.ItemDelegate {
    id: row

    required property int index
    required property var model

    readonly property RowList view: ListView.view as RowList
    readonly property bool started: row.model.step > 0
    readonly property bool opensCard: row.model.firstInSection
    readonly property bool closesCard: row.model.lastInSection
    readonly property bool narrow: width < 820

    implicitHeight: Math.max(Theme.row, words.implicitHeight + 22)
    Accessible.name: row.model.address
    Keys.onReturnPressed: clicked()
    Keys.onEnterPressed: clicked()

    background: Item {
        Rectangle {
            anchors.fill: parent
            topLeftRadius: row.opensCard ? Theme.cardRadius : 0
            topRightRadius: topLeftRadius
            bottomLeftRadius: row.closesCard ? Theme.cardRadius : 0
            bottomRightRadius: bottomLeftRadius
            color: row.down ? Theme.pressed : row.started ? Theme.selection : Theme.surface
            border.width: 1
            border.color: Theme.line
            anchors.topMargin: row.opensCard ? 0 : -1
        }

        FocusRing {
            visible: row.visualFocus || (row.ListView.isCurrentItem && row.view !== null && row.view.byKeyboard)
            anchors.margins: 4
        }
    }

    contentItem: Item {
        TaskIcon {
            id: icon

            x: 20
            anchors.verticalCenter: parent.verticalCenter
            kind: row.model.kind
            current: row.started
        }

        Column {
            id: words

            x: 88
            anchors.verticalCenter: parent.verticalCenter
            width: outcome.x - x - Theme.gap24
            spacing: 3

            Label {
                width: parent.width
                kind: Label.Title
                text: row.model.address
                wrapMode: Text.WordWrap
                maximumLineCount: 4
            }

            Row {
                width: parent.width
                spacing: 20

                Text {
                    width: Math.min(implicitWidth, parent.width - (unsent.visible ? unsent.width + 20 : 0))
                    anchors.verticalCenter: parent.verticalCenter
                    textFormat: Text.StyledText
                    font.family: Theme.family
                    font.pixelSize: Theme.body
                    font.features: Theme.figures
                    color: Theme.muted
                    wrapMode: Text.WordWrap
                    maximumLineCount: 2
                    text: row.facts()
                }

                Rectangle {
                    id: unsent

                    visible: row.model.unsent
                    anchors.verticalCenter: parent.verticalCenter
                    width: mark.implicitWidth + 16
                    height: 22
                    radius: 4
                    color: Theme.surface
                    border.width: 1
                    border.color: Theme.line

                    Row {
                        id: mark

                        anchors.centerIn: parent
                        spacing: 6

                        Icon {
                            anchors.verticalCenter: parent.verticalCenter
                            name: "unsent"
                            size: 18
                        }

                        Label {
                            anchors.verticalCenter: parent.verticalCenter
                            kind: Label.Caption
                            color: Theme.ink
                            text: qsTr("Por enviar")
                        }
                    }
                }
            }
        }

        Row {
            id: outcome

            anchors.right: parent.right
            anchors.rightMargin: 18
            anchors.verticalCenter: parent.verticalCenter
            spacing: 20

            Pill {
                visible: row.started
                anchors.verticalCenter: parent.verticalCenter
                tone: "action"
                filled: true
                text: row.narrow ? qsTr("Paso %1").arg(row.model.step) : qsTr("Continuar en paso %1").arg(row.model.step)
            }

            Pill {
                visible: !row.started && row.model.slaTone !== ""
                anchors.verticalCenter: parent.verticalCenter
                tone: row.model.slaTone === "" ? "attention" : row.model.slaTone
                filled: row.model.slaFilled
                iconName: row.model.slaFilled ? "late" : "clock"
                text: row.model.due
            }

            Label {
                visible: !row.started && row.model.slaTone === ""
                anchors.verticalCenter: parent.verticalCenter
                rightPadding: 14
                text: row.model.due
            }

            Icon {
                anchors.verticalCenter: parent.verticalCenter
                name: "next"
                size: 26
            }
        }
    }

    function escaped(text: string): string {
        return text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
    }

    function facts(): string {
        const parts = [];
        if (row.model.distance !== "")
            parts.push("<font color=\"" + Theme.ink + "\"><b>" + row.escaped(row.model.distance) + "</b></font>");
        parts.push(row.escaped(qsTr("Suministro %1").arg(row.model.supply)));
        parts.push(row.escaped(row.model.task));
        if (row.model.extra !== "")
            parts.push(row.escaped(row.model.extra));
        return parts.join(" · ");
    }
}
