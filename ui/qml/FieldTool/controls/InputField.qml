import QtQuick
import QtQuick.Templates as T
import FieldTool.theme

// One line of text; `iconName` stands before it. Clear button once there is text.
T.TextField {
    id: field

    property string iconName: ""
    property bool clearable: false

    implicitHeight: Theme.target
    implicitWidth: 320
    leftPadding: iconName === "" ? 20 : 68
    rightPadding: clearable && text !== "" ? Theme.target : 20
    verticalAlignment: TextInput.AlignVCenter
    color: Theme.ink
    placeholderTextColor: Theme.muted
    selectionColor: Theme.action
    selectedTextColor: Theme.actionInk
    selectByMouse: true
    font.family: Theme.family
    font.pixelSize: Theme.title
    font.features: Theme.figures
    Accessible.name: placeholderText

    background: Rectangle {
        radius: Theme.radius
        color: Theme.surface
        border.width: field.activeFocus ? 3 : 2
        border.color: field.activeFocus ? Theme.action : Theme.edge

        Icon {
            visible: field.iconName !== ""
            anchors.verticalCenter: parent.verticalCenter
            x: 24
            name: field.iconName
            size: 28
            color: Theme.muted
        }

        Label {
            visible: field.text === "" && field.preeditText === ""
            anchors.verticalCenter: parent.verticalCenter
            x: field.leftPadding
            width: field.width - x - 20
            kind: Label.Title
            font.weight: Font.Normal
            color: Theme.muted
            text: field.placeholderText
            elide: Text.ElideRight
        }
    }

    IconButton {
        visible: field.clearable && field.text !== ""
        anchors.right: parent.right
        height: parent.height
        iconName: "cross"
        text: qsTr("Borrar")
        onClicked: {
            field.clear();
            field.textEdited();
        }
    }
}
