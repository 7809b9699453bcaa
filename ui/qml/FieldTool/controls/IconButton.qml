import QtQuick
import QtQuick.Templates as T
import FieldTool.theme

// A button whose icon says enough; `text` is what it is called.
T.AbstractButton {
    id: button

    property string iconName: ""
    property int iconSize: 28

    implicitWidth: Theme.target
    implicitHeight: Theme.target
    Accessible.name: text
    Keys.onReturnPressed: clicked()
    Keys.onEnterPressed: clicked()

    background: Rectangle {
        radius: Theme.radius
        color: button.down ? Theme.pressed : "transparent"

        FocusRing {
            visible: button.visualFocus
            anchors.margins: 4
        }
    }

    contentItem: Item {
        Icon {
            anchors.centerIn: parent
            name: button.iconName
            size: button.iconSize
            color: button.enabled ? Theme.ink : Theme.muted
        }
    }
}
