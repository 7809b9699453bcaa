import QtQuick
import FieldTool.theme

// A line of text that is not shown unless asked for; it never goes to a clipboard or a dictionary.
InputField {
    id: field

    property bool shown: false

    rightPadding: eye.width + 8
    iconName: "pin"
    echoMode: shown ? TextInput.Normal : TextInput.Password
    inputMethodHints: Qt.ImhSensitiveData | Qt.ImhNoPredictiveText | Qt.ImhNoAutoUppercase
    font.features: Theme.figures

    IconButton {
        id: eye

        anchors.right: parent.right
        height: parent.height
        iconName: field.shown ? "hidden" : "review"
        text: field.shown ? qsTr("Ocultar") : qsTr("Mostrar")
        onClicked: field.shown = !field.shown
    }
}
