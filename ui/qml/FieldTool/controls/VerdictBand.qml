import QtQuick
import FieldTool.theme

// The verdict of a page in 40 px, above its evidence.
Card {
    id: band

    property string iconName: Theme.toneIcon(tone)
    property string text: ""
    property string detail: ""

    tone: "good"
    implicitHeight: Math.max(88, detailText.implicitHeight + 24)

    Icon {
        id: icon

        anchors.verticalCenter: parent.verticalCenter
        x: Theme.gap24
        name: band.iconName
        size: 48
        color: Theme.tone(band.tone)
    }

    Label {
        id: words

        anchors.verticalCenter: parent.verticalCenter
        x: 92
        kind: Label.Verdict
        text: band.text
        color: Theme.tone(band.tone)
        font.weight: Font.Bold
        font.letterSpacing: -0.5
        width: Math.min(implicitWidth, parent.width - x - Theme.gap24)
        fontSizeMode: Text.HorizontalFit
        minimumPixelSize: Theme.value
    }

    Label {
        id: detailText

        anchors.verticalCenter: parent.verticalCenter
        anchors.right: parent.right
        anchors.rightMargin: Theme.gap24
        width: Math.min(implicitWidth, parent.width - words.x - words.width - Theme.gap24 * 2)
        visible: width > 120
        text: band.detail
        font.weight: Font.Medium
        lineHeight: 1.1
        wrapMode: Text.WordWrap
    }
}
