import QtQuick
import FieldTool.theme
import FieldTool.controls

// The heads of the columns of orders on time and late; the rows stand by the same measures.
Item {
    id: columns

    readonly property string percentText: qsTr("En plazo")
    readonly property string onTimeText: qsTr("A tiempo")
    readonly property string atRiskText: qsTr("Por vencer")
    readonly property string lateText: qsTr("Fuera de plazo")

    readonly property bool narrow: width < 700
    readonly property int percentWidth: 108
    readonly property int onTimeWidth: narrow ? 0 : 112
    readonly property int atRiskWidth: 116
    readonly property int lateWidth: 148
    readonly property real lateX: width - 56 - lateWidth
    readonly property real atRiskX: lateX - atRiskWidth
    readonly property real onTimeX: atRiskX - onTimeWidth
    readonly property real percentX: onTimeX - percentWidth

    height: 48

    component Head: Row {
        id: head

        property real room: 0
        property real from: 0
        property string tone: ""
        property string text: ""

        x: from + room - width
        anchors.verticalCenter: parent.verticalCenter
        spacing: 6

        Rectangle {
            visible: head.tone !== ""
            anchors.verticalCenter: parent.verticalCenter
            width: 12
            height: 12
            color: Theme.tone(head.tone)
        }

        Label {
            kind: Label.Caption
            text: head.text
        }
    }

    Head {
        from: columns.percentX
        room: columns.percentWidth
        text: columns.percentText
    }

    Head {
        visible: columns.onTimeWidth > 0
        from: columns.onTimeX
        room: columns.onTimeWidth
        tone: "good"
        text: columns.onTimeText
    }

    Head {
        from: columns.atRiskX
        room: columns.atRiskWidth
        tone: "attention"
        text: columns.atRiskText
    }

    Head {
        from: columns.lateX
        room: columns.lateWidth
        tone: "wrong"
        text: columns.lateText
    }
}
