pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme

// A picture of the camera with a frame on every code found: read, unread (dashed), not ours.
Rectangle {
    id: finder

    property string source: ""
    property bool live: false
    property var codes: []
    // What was sought has been read: the whole picture says so, for eyes that are on the meter.
    property bool confirmed: false
    // Height over width of the picture, so that a page can give it no more room than it fills.
    readonly property real ratio: picture.status === Image.Ready && picture.implicitWidth > 0 ? picture.implicitHeight / picture.implicitWidth : 0.75

    // A live source without a camera behind it gives a picture of a few points.
    readonly property bool blank: source === "" || live && picture.implicitWidth > 0 && picture.implicitWidth < 64

    color: Theme.photoGround
    radius: Theme.cardRadius
    border.width: 1
    border.color: Theme.edge
    clip: true
    Accessible.role: Accessible.Graphic
    Accessible.name: live ? qsTr("Vista de la cámara") : qsTr("Foto")

    Image {
        id: picture

        anchors.fill: parent
        anchors.margins: 1
        visible: !finder.blank
        source: finder.live && finder.source.startsWith("image://") ? finder.source + "?" + beat.count : finder.source
        retainWhileLoading: true
        fillMode: Image.PreserveAspectFit
        asynchronous: false
        cache: false
    }

    Timer {
        id: beat

        property int count: 0

        running: finder.visible && finder.live && finder.source.startsWith("image://")
        interval: 80
        repeat: true
        onTriggered: count += 1
    }

    Column {
        visible: finder.blank
        anchors.centerIn: parent
        spacing: Theme.gap12

        Icon {
            anchors.horizontalCenter: parent.horizontalCenter
            name: "camera"
            size: 48
            color: Theme.photoInk
        }

        Label {
            color: Theme.photoInk
            text: qsTr("La cámara no da imagen")
        }
    }

    Rectangle {
        visible: finder.confirmed
        anchors.fill: parent
        color: "transparent"
        radius: finder.radius
        border.width: 8
        border.color: Theme.photoGood
    }

    Repeater {
        model: finder.codes

        Item {
            id: code

            required property var modelData
            visible: modelData.frame[2] > 0
            readonly property string tone: modelData.state === "read" ? "good" : modelData.state === "foreign" ? "wrong" : "attention"

            x: picture.x + (picture.width - picture.paintedWidth) / 2 + modelData.frame[0] * picture.paintedWidth
            y: picture.y + (picture.height - picture.paintedHeight) / 2 + modelData.frame[1] * picture.paintedHeight
            width: modelData.frame[2] * picture.paintedWidth
            height: modelData.frame[3] * picture.paintedHeight

            Rectangle {
                visible: code.modelData.state !== "unread"
                anchors.fill: parent
                color: "transparent"
                radius: 4
                border.width: 4
                border.color: code.tone === "good" ? Theme.photoGood : Theme.photoWrong
            }

            DashedFrame {
                visible: code.modelData.state === "unread"
                anchors.fill: parent
                stroke: Theme.photoAttention
                lineWidth: 4
            }

            Rectangle {
                anchors.horizontalCenter: parent.right
                anchors.verticalCenter: parent.top
                width: 28
                height: 28
                radius: 14
                color: code.tone === "good" ? Theme.photoGoodFill : code.tone === "wrong" ? Theme.photoWrong : Theme.photoAttention
                border.width: 2
                border.color: Theme.photoInk

                Icon {
                    anchors.centerIn: parent
                    name: code.tone === "good" ? "check" : code.tone === "wrong" ? "cross" : "unknown"
                    size: 18
                    color: code.tone === "good" ? Theme.photoInk : Theme.photoDark
                }
            }
        }
    }
}
