import QtQuick
import FieldTool.theme

// A field to sign in with finger or pen; strokes are lists of points in its own pixels. By keyboard: the arrows move
// a pen, Space sets it down and lifts it.
Card {
    id: pad

    property string signer: ""
    property var strokes: []
    readonly property bool signed: strokes.some(stroke => stroke.length > 3)

    property point pen: Qt.point(width / 2, height / 2)
    property bool penDown: false

    activeFocusOnTab: true
    border.width: 2
    border.color: Theme.edge
    Accessible.role: Accessible.Canvas
    Accessible.name: qsTr("Firma de %1").arg(signer)

    Keys.onLeftPressed: movePen(-1, 0)
    Keys.onRightPressed: movePen(1, 0)
    Keys.onUpPressed: movePen(0, -1)
    Keys.onDownPressed: movePen(0, 1)
    Keys.onSpacePressed: event => {
        if (!event.isAutoRepeat)
            setPen(!penDown);
    }
    onActiveFocusChanged: penDown = false

    function clear(): void {
        pad.strokes = [];
        pad.penDown = false;
        canvas.requestPaint();
    }

    function begin(x: real, y: real): void {
        pad.strokes = pad.strokes.concat([[[Math.round(x), Math.round(y)]]]);
    }

    function draw(x: real, y: real): void {
        const strokes = pad.strokes;
        strokes[strokes.length - 1].push([Math.round(x), Math.round(y)]);
        pad.strokes = strokes.slice();
        canvas.requestPaint();
    }

    function setPen(down: bool): void {
        pad.penDown = down;
        if (down)
            begin(pen.x, pen.y);
    }

    function movePen(right: int, down: int): void {
        pen = Qt.point(Math.max(8, Math.min(width - 8, pen.x + right * 12)), Math.max(8, Math.min(height - 8, pen.y + down * 12)));
        if (penDown)
            draw(pen.x, pen.y);
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
        onPressed: mouse => pad.begin(mouse.x, mouse.y)
        onPositionChanged: mouse => pad.draw(mouse.x, mouse.y)
    }

    Rectangle {
        visible: pad.activeFocus
        x: pad.pen.x - width / 2
        y: pad.pen.y - height / 2
        width: 16
        height: 16
        radius: 8
        color: pad.penDown ? Theme.action : "transparent"
        border.width: 2
        border.color: Theme.action
    }

    FocusRing {
        visible: pad.activeFocus
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
