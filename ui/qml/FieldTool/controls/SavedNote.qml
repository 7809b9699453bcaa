import QtQuick
import FieldTool.theme

// "Guardado en este equipo 10:42:07", never "sent" before the verdict.
Row {
    id: note

    property string time: ""

    visible: time !== ""
    spacing: Theme.gap8

    Icon {
        anchors.verticalCenter: parent.verticalCenter
        name: "saved"
        size: 16
        color: Theme.muted
    }

    Label {
        anchors.verticalCenter: parent.verticalCenter
        kind: Label.Caption
        text: qsTr("Guardado en este equipo %1").arg(note.time)
    }
}
