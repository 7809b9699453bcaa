import QtQuick
import QtQuick.Templates as T
import FieldTool.theme

// Every button with a word. `kind`: primary, secondary, danger, plain. Not possible yet: `enabled: false` keeps it in its
// place, dashed, with `note` saying when it will be.
T.Button {
    id: button

    property string kind: "secondary"
    property string iconName: ""
    property bool iconAfter: false
    property string note: ""
    property int iconSize: 28
    readonly property int iconRoom: iconName === "" ? 0 : iconSize + (text === "" ? 0 : Theme.gap12)

    readonly property color ink: {
        if (!enabled)
            return Theme.muted;
        if (kind === "primary")
            return Theme.actionInk;
        if (kind === "danger")
            return Theme.meaningInk;
        return kind === "plain" ? Theme.action : Theme.ink;
    }
    readonly property color fill: {
        if (!enabled)
            return Theme.idle;
        if (kind === "primary")
            return down ? Theme.actionPressed : Theme.action;
        if (kind === "danger")
            return Theme.wrong;
        if (down)
            return Theme.pressed;
        return kind === "plain" ? "transparent" : Theme.surface;
    }

    implicitHeight: Theme.target
    implicitWidth: Math.max(Theme.target, implicitContentWidth + leftPadding + rightPadding)
    leftPadding: Theme.gap24
    rightPadding: Theme.gap24
    focusPolicy: Qt.StrongFocus
    Accessible.name: text
    Accessible.description: note
    Keys.onReturnPressed: if (enabled) clicked()
    Keys.onEnterPressed: if (enabled) clicked()

    contentItem: Item {
        // Natural widths only, so that the button's own width never depends on itself.
        implicitWidth: Math.max(caption.implicitWidth, noteLabel.visible ? noteLabel.implicitWidth : 0) + button.iconRoom
        implicitHeight: line.implicitHeight

        Row {
            id: line

            anchors.centerIn: parent
            spacing: Theme.gap12
            layoutDirection: button.iconAfter ? Qt.RightToLeft : Qt.LeftToRight

            Icon {
                visible: button.iconName !== ""
                anchors.verticalCenter: parent.verticalCenter
                name: button.iconName
                size: button.iconSize
                color: button.ink
            }

            Column {
                anchors.verticalCenter: parent.verticalCenter

                Label {
                    id: caption

                    visible: text !== ""
                    kind: Label.Title
                    text: button.text
                    color: button.ink
                    width: Math.min(implicitWidth, button.availableWidth - button.iconRoom)
                    wrapMode: Text.WordWrap
                    maximumLineCount: 3
                    horizontalAlignment: noteLabel.visible || button.iconName !== "" ? Text.AlignLeft : Text.AlignHCenter
                }

                Label {
                    id: noteLabel

                    visible: text !== ""
                    strong: false
                    font.weight: Font.Medium
                    text: button.note
                    color: button.ink
                    width: Math.min(implicitWidth, button.availableWidth - button.iconRoom)
                    wrapMode: Text.WordWrap
                }
            }
        }
    }

    background: Item {
        Rectangle {
            anchors.fill: parent
            visible: button.enabled || button.kind === "plain"
            radius: Theme.radius
            color: button.fill
            border.width: button.kind === "secondary" ? 2 : 0
            border.color: Theme.edge
        }

        DashedFrame {
            anchors.fill: parent
            visible: !button.enabled && button.kind !== "plain"
            fill: Theme.idle
        }

        FocusRing {
            visible: button.visualFocus
        }
    }
}
