pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// Other work than was ordered: which, why, and what proves it. What was done so far goes with it.
FocusScope {
    id: page

    required property AppController app
    readonly property ProcedureController procedure: app.procedure
    readonly property OrderController order: app.order
    readonly property bool narrow: width < 900
    readonly property var works: procedure.works
    property string workKey: works.length === 1 ? works[0].key : ""
    property string reasonKey: ""
    readonly property var work: works.find(one => one.key === page.workKey) ?? ({})
    readonly property var reason: (work.reasons ?? []).find(one => one.key === page.reasonKey) ?? ({})
    readonly property bool photoMissing: reason.needsPhoto === true && order.photo === ""
    readonly property bool noteMissing: reason.needsNote === true && noteBox.text.trim() === ""
    readonly property bool ready: page.reasonKey !== "" && !photoMissing && !noteMissing && !procedure.busy

    Keys.onEscapePressed: page.leave()

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
                failure: page.procedure.failure
            }

            Column {
                width: parent.width
                spacing: 4

                Label {
                    width: parent.width
                    kind: Label.Value
                    text: page.workKey === "" ? qsTr("¿Qué trabajo hace falta aquí?") : (page.work.title ?? "")
                    wrapMode: Text.WordWrap
                }

                Label {
                    width: parent.width
                    color: Theme.muted
                    text: page.workKey === "" ? qsTr("Lo que ya hizo en esta visita no se pierde.") : qsTr("¿Por qué?")
                    wrapMode: Text.WordWrap
                }
            }

            Grid {
                id: tiles

                readonly property var offered: page.workKey === "" ? page.works : (page.work.reasons ?? [])

                width: parent.width
                columns: page.narrow ? 1 : 2
                spacing: Theme.gap16

                Repeater {
                    // Once one is chosen only it stays, so that photo and note are in sight.
                    model: tiles.offered.filter(one => page.reasonKey === "" || one.key === page.reasonKey)

                    ChoiceTile {
                        required property var modelData

                        width: (tiles.width - (tiles.columns - 1) * Theme.gap16) / tiles.columns
                        text: modelData.title
                        detail: modelData.detail ?? ""
                        iconName: modelData.icon
                        chosen: page.reasonKey === modelData.key
                        onClicked: page.choose(modelData.key)
                    }
                }
            }

            ActionButton {
                visible: page.works.length > 1 && page.workKey !== ""
                text: page.reasonKey === "" ? qsTr("Otro trabajo") : qsTr("Otro motivo")
                iconName: "back"
                iconSize: 24
                onClicked: page.unchoose()
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
            onClicked: page.leave()
        }

        ActionButton {
            anchors.right: parent.right
            anchors.rightMargin: Theme.margin
            y: Theme.gap16
            width: Math.min(416, parent.width - 248)
            height: Theme.primary
            kind: "primary"
            enabled: page.ready
            text: qsTr("Pasar a este trabajo")
            note: page.ready ? "" : page.missing()
            iconName: page.ready ? "forward" : "lock"
            iconAfter: page.ready
            onClicked: page.procedure.changeWork(page.workKey, page.reasonKey, noteBox.text.trim(), page.order.photo)
        }
    }

    function choose(key: string): void {
        if (page.workKey === "")
            page.workKey = key;
        else
            page.reasonKey = page.reasonKey === key ? "" : key;
    }

    function unchoose(): void {
        if (page.reasonKey !== "")
            page.reasonKey = "";
        else
            page.workKey = "";
    }

    function leave(): void {
        page.procedure.dismiss();
        page.app.go("procedure");
    }

    function missing(): string {
        if (page.workKey === "")
            return qsTr("elija el trabajo");
        if (page.reasonKey === "")
            return qsTr("elija el motivo");
        if (page.photoMissing)
            return qsTr("falta la foto");
        return page.noteMissing ? qsTr("falta contar qué pasó") : "";
    }
}
