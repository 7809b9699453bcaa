pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// How the meter stands in the AMI network.
Card {
    id: card

    required property var network

    implicitHeight: sheet.implicitHeight + 48

    Column {
        id: sheet

        x: 24
        y: 20
        width: parent.width - 48
        spacing: Theme.gap8

        Label {
            width: parent.width
            kind: Label.Title
            text: card.network.title ?? ""
            wrapMode: Text.WordWrap
        }

        Row {
            width: parent.width
            spacing: Theme.gap12

            Icon {
                id: sign

                anchors.verticalCenter: parent.verticalCenter
                name: Theme.toneIcon(card.network.tone ?? "")
                size: 36
                color: Theme.tone(card.network.tone ?? "")
            }

            Label {
                anchors.verticalCenter: parent.verticalCenter
                width: parent.width - sign.width - Theme.gap12
                kind: Label.Value
                color: Theme.tone(card.network.tone ?? "")
                text: card.network.verdict ?? ""
                fontSizeMode: Text.HorizontalFit
                minimumPixelSize: Theme.title
            }
        }

        Label {
            visible: text !== ""
            width: parent.width
            color: Theme.muted
            text: card.network.detail ?? ""
            wrapMode: Text.WordWrap
        }

        Item {
            width: 1
            height: 4
        }

        Hairline {
            visible: node.visible
            width: parent.width
            height: 1
        }

        Column {
            id: node

            visible: (card.network.node ?? "") !== ""
            width: parent.width
            spacing: 2

            Label {
                width: parent.width
                kind: Label.Caption
                text: card.network.nodeLabel ?? ""
                wrapMode: Text.WordWrap
            }

            Label {
                width: parent.width
                font.pixelSize: 18
                font.weight: Font.DemiBold
                font.features: Theme.serialFigures
                text: card.network.node ?? ""
                wrapMode: Text.WrapAnywhere
            }

            Mark {
                visible: text !== ""
                tone: card.network.nodeTone || "good"
                iconName: card.network.nodeTone === "good" ? "check" : Theme.toneIcon(card.network.nodeTone || "attention")
                size: 20
                text: card.network.nodeVerdict ?? ""
            }
        }

        Repeater {
            model: card.network.facts ?? []

            Item {
                id: fact

                required property var modelData
                // An address does not fit beside its name: it stands below.
                readonly property bool long: modelData.value.length + modelData.label.length > 26

                width: sheet.width
                height: long ? 58 : 38

                Hairline {
                    width: parent.width
                    height: 1
                }

                Label {
                    id: factLabel

                    y: fact.long ? 8 : (parent.height - height) / 2 + 4
                    kind: fact.long ? Label.Caption : Label.Body
                    color: Theme.muted
                    text: fact.modelData.label
                }

                Label {
                    anchors.right: fact.long ? undefined : parent.right
                    y: fact.long ? 30 : (parent.height - height) / 2 + 4
                    width: fact.long ? parent.width : Math.min(implicitWidth, parent.width - factLabel.width - 8)
                    font.pixelSize: 18
                    font.weight: Font.DemiBold
                    text: fact.modelData.value
                    elide: Text.ElideRight
                }
            }
        }
    }
}
