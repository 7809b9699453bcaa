pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Templates as T
import FieldTool.theme
import FieldTool.controls

// The strip that never moves: project · crew · connection · probe · theme. Violet in training, with the word.
Rectangle {
    id: strip

    required property var status

    signal toggleTheme

    readonly property bool training: status.training === true
    readonly property bool narrow: width < Theme.narrowBelow
    readonly property color paint: training ? Theme.trainingInk : Theme.surface
    readonly property color ink: training ? Theme.meaningInk : Theme.ink

    readonly property string connection: {
        const parts = [strip.status.online ? qsTr("Conectado") : qsTr("Sin conexión")];
        if (strip.status.syncing)
            parts[0] = qsTr("Enviando");
        if (strip.status.waiting > 0)
            parts.push(qsTr("%n por enviar", "", strip.status.waiting));
        if (strip.status.last)
            parts.push(qsTr("último %1").arg(strip.status.last));
        if (strip.status.detail)
            parts.push(strip.status.detail);
        return parts.join(" · ");
    }
    readonly property string probeText: {
        switch (strip.status.probe) {
        case "connected":
            return qsTr("Sonda conectada");
        case "busy":
            return qsTr("Sonda leyendo");
        case "absent":
            return qsTr("Sin sonda");
        }
        return "";
    }
    readonly property string probeIcon: {
        switch (strip.status.probe) {
        case "connected":
            return "probe";
        case "busy":
            return "probeBusy";
        case "absent":
            return "probeOff";
        }
        return "";
    }

    implicitHeight: Theme.strip
    color: paint

    component Part: Row {
        id: part

        property string iconName
        property string text
        property bool strong: false
        property bool last: false
        property real room: 100000

        height: strip.height
        spacing: Theme.gap8

        Icon {
            anchors.verticalCenter: parent.verticalCenter
            name: part.iconName
            color: strip.ink
        }

        Label {
            anchors.verticalCenter: parent.verticalCenter
            leftPadding: 2
            text: part.text
            visible: text !== ""
            color: strip.ink
            strong: part.strong
            width: Math.min(implicitWidth, part.room)
            elide: Text.ElideRight
            mayElide: !part.strong
        }

        Item {
            visible: !part.last
            width: 13
            height: parent.height

            Hairline {
                anchors.right: parent.right
                anchors.verticalCenter: parent.verticalCenter
                height: 28
                color: strip.training ? strip.ink : Theme.line
            }
        }
    }

    Row {
        id: facts

        x: Theme.margin
        spacing: 20
        height: parent.height

        Part {
            visible: strip.training
            iconName: "training"
            text: qsTr("Práctica")
            strong: true
        }

        Part {
            visible: text !== "" && !(strip.narrow && strip.training)
            iconName: "project"
            text: strip.status.project ?? ""
            room: strip.narrow ? 150 : 260
        }

        Part {
            visible: !strip.narrow && text !== ""
            iconName: strip.status.role === "supervisor" ? "person" : "crew"
            text: strip.status.crew ?? ""
            room: 160
        }

        Part {
            // Before the data is open nothing is known of the office.
            visible: !strip.status.locked
            last: true
            strong: true
            iconName: strip.status.online ? "online" : "offline"
            text: strip.connection
            room: probePart.x - facts.x - x - 60
        }
    }

    Row {
        id: probePart

        anchors.right: themeButton.left
        anchors.rightMargin: Theme.margin
        height: parent.height

        Part {
            visible: text !== "" || iconName !== ""
            last: true
            iconName: strip.probeIcon
            text: strip.narrow ? "" : strip.probeText
        }
    }

    T.AbstractButton {
        id: themeButton

        anchors.right: parent.right
        width: Theme.target
        height: parent.height
        text: Theme.dark ? qsTr("Claro") : qsTr("Oscuro")
        Accessible.name: text
        onClicked: strip.toggleTheme()

        background: Rectangle {
            color: themeButton.down ? Theme.pressed : "transparent"

            Hairline {
                width: 1
                height: parent.height
                color: strip.training ? strip.ink : Theme.line
            }

            FocusRing {
                visible: themeButton.visualFocus
                anchors.margins: 4
            }
        }

        contentItem: Item {
            Column {
                anchors.centerIn: parent
                spacing: 2

                Icon {
                    anchors.horizontalCenter: parent.horizontalCenter
                    name: Theme.dark ? "light" : "dark"
                    color: strip.ink
                }

                Label {
                    anchors.horizontalCenter: parent.horizontalCenter
                    kind: Label.Caption
                    font.weight: Font.Medium
                    color: strip.ink
                    text: themeButton.text
                }
            }
        }
    }

    Hairline {
        anchors.bottom: parent.bottom
        width: parent.width
        height: 1
    }
}
