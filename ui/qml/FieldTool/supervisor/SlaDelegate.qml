pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Templates as T
import FieldTool.theme
import FieldTool.controls

// Orders of one crew, zone, …: the share in time, how many on time, at risk, late; opens the late ones that still run.
T.ItemDelegate {
    id: delegate

    required property var row
    required property SlaColumns columns
    property bool firstRow: false
    property bool sum: false

    readonly property RowList view: ListView.view as RowList
    readonly property bool late: row.late !== "0"

    enabled: row.opens && !sum
    focusPolicy: Qt.NoFocus
    text: row.title
    implicitHeight: Math.max(64, words.implicitHeight + 22)
    Accessible.description: [columns.percentText + " " + row.percent, columns.onTimeText + " " + row.onTime, columns.atRiskText + " " + row.atRisk, columns.lateText + " " + row.late].join(", ")

    background: Rectangle {
        color: delegate.down ? Theme.pressed : delegate.sum ? Theme.idle : "transparent"
        radius: delegate.sum ? Theme.cardRadius : 0

        Hairline {
            visible: !delegate.firstRow
            width: parent.width
            height: 1
        }

        FocusRing {
            visible: delegate.ListView.isCurrentItem && delegate.view !== null && delegate.view.byKeyboard
            anchors.margins: 3
        }
    }

    contentItem: Item {
        Column {
            id: words

            x: 20
            anchors.verticalCenter: parent.verticalCenter
            width: delegate.columns.percentX - x - Theme.gap24
            spacing: Theme.gap8

            Label {
                width: parent.width
                strong: true
                text: delegate.row.title
                wrapMode: Text.WordWrap
            }

            // The parts stand in the order of the columns and are named in their heads.
            Row {
                width: parent.width
                height: 8

                Repeater {
                    model: delegate.row.parts

                    Rectangle {
                        required property real modelData
                        required property int index

                        width: modelData > 0 ? Math.max(3, modelData * (words.width - 6)) : 0
                        height: 8
                        color: Theme.tone(["good", "attention", "wrong"][index])
                    }
                }
            }
        }

        Label {
            x: delegate.columns.percentX
            width: delegate.columns.percentWidth
            anchors.verticalCenter: parent.verticalCenter
            horizontalAlignment: Text.AlignRight
            kind: Label.Title
            text: delegate.row.percent
        }

        Label {
            visible: delegate.columns.onTimeWidth > 0
            x: delegate.columns.onTimeX
            width: delegate.columns.onTimeWidth
            anchors.verticalCenter: parent.verticalCenter
            horizontalAlignment: Text.AlignRight
            text: delegate.row.onTime
        }

        Label {
            x: delegate.columns.atRiskX
            width: delegate.columns.atRiskWidth
            anchors.verticalCenter: parent.verticalCenter
            horizontalAlignment: Text.AlignRight
            text: delegate.row.atRisk
        }

        Column {
            x: delegate.columns.lateX
            width: delegate.columns.lateWidth
            anchors.verticalCenter: parent.verticalCenter

            Label {
                width: parent.width
                horizontalAlignment: Text.AlignRight
                strong: delegate.late
                color: delegate.late ? Theme.wrong : Theme.ink
                text: delegate.row.late
            }

            Label {
                visible: text !== ""
                width: parent.width
                horizontalAlignment: Text.AlignRight
                kind: Label.Caption
                text: delegate.row.still
            }
        }

        Icon {
            visible: delegate.enabled
            anchors.right: parent.right
            anchors.rightMargin: 16
            anchors.verticalCenter: parent.verticalCenter
            name: "next"
            size: 22
        }
    }
}
