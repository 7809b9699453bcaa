pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// No ejecutada: reason, photo where the reason asks for one, note.
FocusScope {
    id: page

    required property AppController app
    readonly property OrderController order: app.order
    readonly property bool narrow: width < 900
    property string reasonKey: ""
    readonly property bool underWay: app.procedure.orderId !== "" && app.procedure.orderId === order.order.id
    readonly property var reasons: order.reasons
    readonly property var reason: reasons.find(one => one.key === page.reasonKey) ?? ({})
    readonly property bool photoMissing: reason.needsPhoto === true && order.photo === ""
    readonly property bool noteMissing: reason.needsNote === true && noteBox.text.trim() === ""
    readonly property bool ready: page.reasonKey !== "" && !photoMissing && !noteMissing && !order.busy

    Flickable {
        id: scroller

        anchors.top: parent.top
        anchors.bottom: foot.top
        width: parent.width
        contentHeight: sheet.y + sheet.implicitHeight + Theme.gap24
        boundsBehavior: Flickable.StopAtBounds
        interactive: contentHeight > height
        clip: true

        Column {
            id: sheet

            x: Theme.margin
            y: Theme.margin
            width: parent.width - 2 * Theme.margin
            spacing: Theme.gap16

            FailureNote {
                width: parent.width
                failure: page.order.failure
            }

            Column {
                width: parent.width
                spacing: 4

                Label {
                    width: parent.width
                    kind: Label.Value
                    text: qsTr("¿Por qué no se ejecutó?")
                    wrapMode: Text.WordWrap
                }

                Label {
                    width: parent.width
                    color: Theme.muted
                    text: page.order.order.address ?? ""
                    wrapMode: Text.WordWrap
                }
            }

            Grid {
                id: reasonGrid

                width: parent.width
                columns: page.narrow ? 1 : 2
                spacing: Theme.gap16

                Repeater {
                    // Once a reason is chosen only it stays, so that photo and note are in sight.
                    model: page.reasons.filter(one => page.reasonKey === "" || one.key === page.reasonKey)

                    ChoiceTile {
                        required property var modelData

                        width: (reasonGrid.width - (reasonGrid.columns - 1) * Theme.gap16) / reasonGrid.columns
                        text: modelData.title
                        detail: modelData.detail
                        iconName: modelData.icon
                        chosen: page.reasonKey === modelData.key
                        onClicked: page.reasonKey = chosen ? "" : modelData.key
                    }
                }
            }

            ActionButton {
                visible: page.reasonKey !== ""
                text: qsTr("Otro motivo")
                iconName: "back"
                iconSize: 24
                onClicked: page.reasonKey = ""
            }

            Row {
                visible: page.reasonKey !== ""
                width: parent.width
                spacing: Theme.gap16

                ActionButton {
                    id: photo

                    width: page.narrow ? 200 : 280
                    height: 144
                    text: page.order.photo === "" ? qsTr("Tomar foto") : qsTr("Foto tomada")
                    note: page.photoMissing ? qsTr("hace falta") : page.order.photo === "" ? qsTr("si ayuda") : qsTr("tocar para repetir")
                    iconName: page.order.photo === "" ? "camera" : "good"
                    onClicked: page.order.takePhoto()
                }

                TextBox {
                    id: noteBox

                    width: parent.width - photo.width - Theme.gap16
                    height: 144
                    placeholderText: page.reason.needsNote ? qsTr("Qué pasó, en pocas palabras (hace falta)") : qsTr("Qué pasó, en pocas palabras")
                }
            }
        }

        ScrollMark {
            view: scroller
        }
    }

    Rectangle {
        id: foot

        anchors.bottom: parent.bottom
        width: parent.width
        height: Theme.primary + 2 * Theme.gap16
        color: Theme.ground

        Hairline {
            width: parent.width
            height: 1
        }

        ActionButton {
            x: Theme.margin
            y: Theme.gap16
            width: 152
            height: Theme.primary
            leftPadding: 8
            rightPadding: 8
            text: qsTr("Atrás")
            iconName: "back"
            iconSize: 24
            onClicked: page.app.go(page.underWay ? "procedure" : "order")
        }

        // Not every visit that cannot do what was ordered goes home: it may have been the wrong work.
        ActionButton {
            id: otherWork

            visible: page.underWay && page.app.procedure.works.length > 0
            x: Theme.margin + 152 + Theme.gap16
            y: Theme.gap16
            height: Theme.primary
            leftPadding: page.narrow ? 12 : Theme.gap24
            rightPadding: leftPadding
            text: qsTr("Otro trabajo…")
            iconName: "exchange"
            onClicked: page.app.go("otherWork")
        }

        ActionButton {
            anchors.right: parent.right
            anchors.rightMargin: Theme.margin
            y: Theme.gap16
            width: Math.min(416, parent.width - 248 - (otherWork.visible ? otherWork.width : 0))
            height: Theme.primary
            kind: "primary"
            enabled: page.ready
            text: qsTr("Cerrar sin ejecutar")
            note: page.ready ? "" : page.missing()
            iconName: page.ready ? "check" : "lock"
            onClicked: page.order.notDone(page.reasonKey, noteBox.text.trim())
        }
    }

    function missing(): string {
        if (page.reasonKey === "")
            return qsTr("elija el motivo");
        if (page.photoMissing)
            return qsTr("falta la foto");
        return page.noteMissing ? qsTr("falta contar qué pasó") : "";
    }
}
