import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// Makes this tablet known to an office: by its QR, or by address and code.
Column {
    id: form

    required property SessionController session

    spacing: Theme.gap16

    Label {
        width: parent.width
        kind: Label.Value
        text: qsTr("Inscribir este equipo")
        wrapMode: Text.WordWrap
    }

    Label {
        width: parent.width
        kind: Label.Title
        font.weight: Font.Normal
        color: Theme.muted
        text: qsTr("La oficina da un código que vale 24 horas y una sola vez.")
        wrapMode: Text.WordWrap
    }

    ActionButton {
        width: parent.width
        height: Theme.primary
        kind: "primary"
        enabled: !form.session.busy
        text: qsTr("Escanear el QR")
        iconName: "scan"
        onClicked: form.session.scanTicket()
    }

    InputField {
        id: url

        width: parent.width
        iconName: "network"
        placeholderText: qsTr("Dirección de la oficina, https://…")
        inputMethodHints: Qt.ImhUrlCharactersOnly | Qt.ImhNoAutoUppercase
    }

    Row {
        width: parent.width
        spacing: Theme.gap16

        InputField {
            id: code

            width: parent.width - enrol.width - parent.spacing
            iconName: "pin"
            placeholderText: qsTr("Código")
            inputMethodHints: Qt.ImhNoPredictiveText
            onAccepted: if (enrol.enabled) enrol.clicked()
        }

        ActionButton {
            id: enrol

            height: Theme.target
            enabled: url.text.trim() !== "" && code.text.trim() !== "" && !form.session.busy
            text: form.session.busy ? qsTr("Hablando con la oficina") : qsTr("Inscribir")
            iconName: "forward"
            iconAfter: true
            onClicked: form.session.enrol(url.text.trim(), code.text.trim())
        }
    }
}
