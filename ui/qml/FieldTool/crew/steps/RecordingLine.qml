import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// What crossed the line, for whoever has to find out why a meter is odd: offered, or that it lies on the order.
// A failed session is attached by itself.
Item {
    id: line

    required property ProcedureController procedure
    required property string recording

    visible: recording !== ""
    implicitHeight: recording === "offered" ? offer.height : said.implicitHeight
    height: implicitHeight

    ActionButton {
        id: offer

        visible: line.recording === "offered"
        height: 88
        text: qsTr("Adjuntar grabación")
        iconName: "records"
        enabled: !line.procedure.busy
        onClicked: line.procedure.act("recording", {})
    }

    Row {
        id: said

        visible: line.recording === "attached"
        width: parent.width
        spacing: Theme.gap12

        Icon {
            id: mark

            anchors.verticalCenter: parent.verticalCenter
            name: "records"
            size: 22
            color: Theme.muted
        }

        Label {
            anchors.verticalCenter: parent.verticalCenter
            width: line.width - mark.width - Theme.gap12
            color: Theme.muted
            text: qsTr("La grabación de esta sesión está en la orden, para quien busque la causa.")
            wrapMode: Text.WordWrap
        }
    }
}
