import QtQuick
import FieldTool.controls

// Says that there is no contact with the office now, and from when the figures are.
Card {
    id: note

    required property bool fresh
    required property string at

    visible: !fresh && at !== ""
    height: visible ? 48 : 0

    Icon {
        x: 16
        anchors.verticalCenter: parent.verticalCenter
        name: "offline"
        size: 22
    }

    Label {
        x: 50
        anchors.verticalCenter: parent.verticalCenter
        width: parent.width - x - 16
        strong: true
        text: qsTr("Sin contacto con la oficina. Datos de %1.").arg(note.at)
        elide: Text.ElideRight
    }
}
