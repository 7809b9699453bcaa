import QtQuick
import FieldTool.theme
import FieldTool.controls

// Says what needs no answer, for a few seconds, above the page's foot.
Item {
    id: host

    property string text: ""
    property string tone: "good"
    property bool shown: false

    function show(text: string, tone: string): void {
        host.text = text;
        host.tone = tone;
        host.shown = true;
        timer.restart();
    }

    Timer {
        id: timer

        interval: 4000
        onTriggered: host.shown = false
    }

    Card {
        anchors.horizontalCenter: parent.horizontalCenter
        anchors.bottom: parent.bottom
        anchors.bottomMargin: Theme.gap24
        visible: opacity > 0
        opacity: host.shown ? 1 : 0
        width: Math.min(parent.width - 2 * Theme.margin, mark.implicitWidth + 2 * Theme.gap24)
        height: 64
        tone: host.tone
        Accessible.role: Accessible.AlertMessage
        Accessible.name: host.text

        Behavior on opacity {
            NumberAnimation {
                duration: Theme.quick
            }
        }

        Mark {
            id: mark

            anchors.centerIn: parent
            tone: host.tone
            text: host.text
        }
    }
}
