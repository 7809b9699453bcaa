import QtQuick
import FieldTool.theme

// A field to sign in with finger or pen; strokes are lists of points in its own pixels.
Card {
    id: pad

    property string signer: ""
    property var strokes: []
    readonly property bool signed: strokes.some(stroke => stroke.length > 3)

    border.width: 2
    border.color: Theme.edge
    Accessible.role: Accessible.Canvas
    Accessible.name: qsTr("Firma de %1").arg(signer)

    function clear(): void {
        pad.strokes = [];
        canvas.requestPaint();
    }

    clip: true

    Hairline {
        x: 40
        y: parent.height * 0.74
        width: parent.width - 80
        height: 1
        color: Theme.edge
    }

    Label {
        x: 40
        y: parent.height * 0.74 + 8
        color: Theme.muted
        text: pad.signer === "" ? qsTr("Firme aquí") : qsTr("Firma de %1").arg(pad.signer)
    }

    Canvas {
        id: canvas

        anchors.fill: parent
        anchors.margins: 2
        onPaint: {
            const pen = getContext("2d");
            pen.reset();
            pen.lineWidth = 3;
            pen.lineCap = "round";
            pen.lineJoin = "round";
            pen.strokeStyle = Theme.ink;
            for (const stroke of pad.strokes) {
                pen.beginPath();
                stroke.forEach((point, at) => at === 0 ? pen.moveTo(point[0], point[1]) : pen.lineTo(point[0], point[1]));
                pen.stroke();
            }
        }
    }

    MouseArea {
        anchors.fill: canvas
        preventStealing: true
        onPressed: mouse => {
            pad.strokes = pad.strokes.concat([[[Math.round(mouse.x), Math.round(mouse.y)]]]);
        }
        onPositionChanged: mouse => {
            const strokes = pad.strokes;
            strokes[strokes.length - 1].push([Math.round(mouse.x), Math.round(mouse.y)]);
            pad.strokes = strokes.slice();
            canvas.requestPaint();
        }
    }

    ActionButton {
        visible: pad.signed
        anchors.right: parent.right
        anchors.top: parent.top
        anchors.margins: 8
        text: qsTr("Borrar")
        iconName: "delete"
        onClicked: pad.clear()
    }
}
