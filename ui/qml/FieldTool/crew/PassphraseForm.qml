import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// The passphrase of a machine without a keyring: a new one twice, an existing one once.
Column {
    id: form

    required property SessionController session
    property bool fresh: false
    property int least: 12

    readonly property bool longEnough: phrase.text.length >= least
    readonly property bool digitsOnly: /^\d*$/.test(phrase.text)
    readonly property bool ready: phrase.text !== "" && (!fresh || longEnough && !digitsOnly && again.text === phrase.text)
    readonly property string missing: {
        if (!fresh || phrase.text === "")
            return qsTr("escriba la frase");
        if (!longEnough)
            return qsTr("faltan %n caracteres", "", least - phrase.text.length);
        if (digitsOnly)
            return qsTr("no solo cifras");
        return again.text === "" ? qsTr("escríbala otra vez") : qsTr("las dos no son iguales");
    }

    spacing: Theme.gap16

    Label {
        width: parent.width
        kind: Label.Value
        text: form.fresh ? qsTr("Elija la frase de acceso de este equipo") : qsTr("Escriba la frase de acceso de este equipo")
        wrapMode: Text.WordWrap
    }

    Label {
        width: parent.width
        kind: Label.Title
        font.weight: Font.Normal
        color: Theme.muted
        text: form.fresh ? qsTr("Este equipo no tiene un almacén de claves: la frase cifra sus datos y se pide al abrir el programa. Varias palabras, %1 caracteres o más, nunca el PIN. No se guarda en ninguna parte: anótela en lugar seguro.").arg(form.least) : qsTr("Abre los datos cifrados de este equipo. Después cada persona entra con su PIN.")
        wrapMode: Text.WordWrap
    }

    SecretField {
        id: phrase

        width: parent.width
        focus: true
        placeholderText: qsTr("Frase de acceso")
        enabled: !form.session.busy
        onAccepted: form.fresh ? again.forceActiveFocus() : form.send()
    }

    SecretField {
        id: again

        visible: form.fresh
        width: parent.width
        shown: phrase.shown
        placeholderText: qsTr("La misma otra vez")
        enabled: !form.session.busy
        onAccepted: form.send()
    }

    ActionButton {
        id: open

        width: parent.width
        height: Theme.primary
        kind: "primary"
        enabled: form.ready && !form.session.busy
        text: form.session.busy ? qsTr("Abriendo los datos") : form.fresh ? qsTr("Usar esta frase") : qsTr("Abrir")
        note: enabled || form.session.busy ? "" : form.missing
        iconName: form.session.busy ? "busy" : "unlock"
        onClicked: form.send()
    }

    function send(): void {
        if (!open.enabled)
            return;
        const given = phrase.text;
        // What was typed goes to the tablet and stays nowhere else.
        phrase.clear();
        again.clear();
        form.session.unlock(given);
        phrase.forceActiveFocus();
    }
}
