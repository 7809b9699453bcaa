import QtQuick
import QtQuick.Templates as T
import FieldTool.theme

// A dangerous act: held for 1.5 s, and only after the last four figures of the serial have been given.
T.AbstractButton {
    id: button

    property string iconName: "danger"
    property string note: ""
    property int holdTime: 1500
    property real held: 0

    signal confirmed

    implicitHeight: Theme.primary
    implicitWidth: 400
    Accessible.name: text
    Accessible.description: note

    onPressedChanged: pressed ? hold.restart() : letGo()
    Keys.onPressed: event => {
        if ((event.key === Qt.Key_Space || event.key === Qt.Key_Return) && !event.isAutoRepeat && enabled) {
            hold.restart();
            event.accepted = true;
        }
    }
    Keys.onReleased: event => {
        if (!event.isAutoRepeat && (event.key === Qt.Key_Space || event.key === Qt.Key_Return)) {
            letGo();
            event.accepted = true;
        }
    }

    function letGo(): void {
        hold.stop();
        button.held = 0;
    }

    NumberAnimation {
        id: hold

        target: button
        property: "held"
        from: 0
        to: 1
        duration: button.holdTime
        onFinished: {
            if (button.held < 1)
                return;
            button.held = 0;
            button.confirmed();
        }
    }

    background: Item {
        Rectangle {
            anchors.fill: parent
            visible: button.enabled
            radius: Theme.radius
            color: Theme.wrong
            clip: true

            Rectangle {
                width: parent.width * button.held
                height: parent.height
                radius: Theme.radius
                color: Theme.ink
                opacity: 0.45
            }
        }

        DashedFrame {
            anchors.fill: parent
            visible: !button.enabled
            fill: Theme.idle
        }

        FocusRing {
            visible: button.visualFocus
        }
    }

    contentItem: Item {
        Row {
            anchors.centerIn: parent
            spacing: Theme.gap12

            Icon {
                anchors.verticalCenter: parent.verticalCenter
                name: button.enabled ? button.iconName : "lock"
                size: 28
                color: button.enabled ? Theme.meaningInk : Theme.muted
            }

            Column {
                anchors.verticalCenter: parent.verticalCenter

                Label {
                    width: Math.min(implicitWidth, button.width - 80)
                    kind: Label.Title
                    text: button.text
                    color: button.enabled ? Theme.meaningInk : Theme.muted
                    wrapMode: Text.WordWrap
                }

                Label {
                    width: Math.min(implicitWidth, button.width - 80)
                    visible: text !== ""
                    font.weight: Font.Medium
                    text: button.note
                    color: button.enabled ? Theme.meaningInk : Theme.muted
                    wrapMode: Text.WordWrap
                }
            }
        }
    }
}
