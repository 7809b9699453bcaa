import QtQuick
import QtQuick.Templates as T
import FieldTool.theme

// A row of a list inside a card: icon, two lines, a verdict on the right, a chevron when it opens something.
T.ItemDelegate {
    id: row

    property string iconName: ""
    property string iconTone: ""
    property string detail: ""
    property string verdict: ""
    property string verdictDetail: ""
    property string verdictIcon: ""
    property string tone: ""
    property string chevron: "next"
    property bool firstRow: false
    property real split: 0.455

    readonly property bool stacked: width < 560

    // A row by itself is reached like a button.
    focusPolicy: Qt.StrongFocus
    implicitHeight: Math.max(Theme.row, (stacked ? words.implicitHeight + outcome.implicitHeight + 6 : Math.max(words.implicitHeight, outcome.implicitHeight)) + 24)
    Accessible.name: text
    Accessible.description: detail + " " + verdict
    Keys.onReturnPressed: clicked()
    Keys.onEnterPressed: clicked()

    background: Rectangle {
        radius: Theme.cardRadius
        color: row.down && row.enabled ? Theme.pressed : "transparent"

        Hairline {
            visible: !row.firstRow
            width: parent.width
            height: 1
        }

        FocusRing {
            visible: row.visualFocus
            anchors.margins: 4
        }
    }

    contentItem: Item {
        Icon {
            x: 20
            anchors.verticalCenter: parent.verticalCenter
            name: row.iconName
            size: 28
            color: row.iconTone === "" ? Theme.muted : Theme.tone(row.iconTone)
        }

        Column {
            id: words

            x: 64
            y: row.stacked ? 12 : (parent.height - height) / 2
            width: (row.stacked || !outcome.visible ? parent.width - 60 : outcome.x) - x - Theme.gap12
            spacing: 3

            Label {
                width: parent.width
                font.pixelSize: 18
                font.weight: Font.DemiBold
                text: row.text
                wrapMode: Text.WordWrap
            }

            Label {
                visible: text !== ""
                width: parent.width
                color: Theme.muted
                text: row.detail
                wrapMode: Text.WordWrap
            }
        }

        Row {
            id: outcome

            visible: row.verdict !== ""
            x: row.stacked ? 64 : Math.round(row.width * row.split) + 28
            y: row.stacked ? words.y + words.height + 6 : (parent.height - height) / 2
            spacing: Theme.gap12

            Icon {
                anchors.verticalCenter: parent.verticalCenter
                name: row.verdictIcon
                size: 26
                color: row.tone === "" ? Theme.muted : Theme.tone(row.tone)
            }

            Column {
                anchors.verticalCenter: parent.verticalCenter
                width: row.width - outcome.x - 38 - (sign.visible ? 52 : 12)

                Label {
                    width: parent.width
                    strong: true
                    color: Theme.tone(row.tone)
                    text: row.verdict
                    wrapMode: Text.WordWrap
                }

                Label {
                    visible: text !== ""
                    width: parent.width
                    text: row.verdictDetail
                    wrapMode: Text.WordWrap
                }
            }
        }

        Icon {
            id: sign

            visible: row.chevron !== ""
            anchors.right: parent.right
            anchors.rightMargin: 16
            anchors.verticalCenter: parent.verticalCenter
            name: row.chevron
            size: 26
        }
    }
}
