pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Templates as T
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// A recorded optical session, frame by frame: how it ended above, what went wrong marked, a file for support.
FocusScope {
    id: page

    required property AppController app
    readonly property RecordingController recording: app.recording
    readonly property var shown: recording.recording
    readonly property var others: shown.rows ?? []
    readonly property var frames: {
        const all = page.shown.frames ?? [];
        return page.onlyProblems ? all.filter(frame => frame.problem) : all;
    }
    readonly property bool open: (shown.frames ?? []).length > 0
    readonly property bool wide: width >= 1000
    readonly property int problems: shown.problems ?? 0
    property bool onlyProblems: false

    onProblemsChanged: if (problems === 0)
        onlyProblems = false
    Keys.onEscapePressed: page.app.go(page.recording.origin)

    Item {
        id: head

        x: Theme.margin
        y: 20
        width: parent.width - 2 * Theme.margin
        height: Theme.target

        ActionButton {
            id: back

            text: qsTr("Volver")
            iconName: "back"
            onClicked: page.app.go(page.recording.origin)
        }

        Column {
            anchors.verticalCenter: parent.verticalCenter
            x: back.width + Theme.gap24
            width: save.x - x - Theme.gap16
            spacing: 2

            Label {
                width: parent.width
                kind: Label.Title
                text: qsTr("Grabación de la sesión óptica")
                wrapMode: Text.WordWrap
            }

            Label {
                width: parent.width
                color: Theme.muted
                text: [page.shown.title ?? "", page.shown.detail ?? ""].filter(part => part !== "").join(" · ")
                wrapMode: Text.WordWrap
            }
        }

        ActionButton {
            id: save

            anchors.right: parent.right
            enabled: page.open && !page.recording.busy
            kind: "primary"
            text: page.wide ? qsTr("Guardar archivo") : qsTr("Guardar")
            note: page.wide ? qsTr("para soporte, sin claves") : ""
            iconName: "download"
            onClicked: page.recording.save()
        }
    }

    FailureNote {
        id: failed

        x: Theme.margin
        y: head.y + head.height + (visible ? Theme.gap16 : 0)
        width: parent.width - 2 * Theme.margin
        failure: page.recording.failure
    }

    Spinner {
        visible: page.recording.busy && !page.open
        anchors.centerIn: parent
    }

    EmptyState {
        visible: !page.open && !failed.visible && !page.recording.busy
        anchors.centerIn: parent
        width: Math.min(560, parent.width - 2 * Theme.margin)
        iconName: "records"
        text: qsTr("No hay grabación en este equipo")
        detail: page.others.length > 0 ? qsTr("Las fotos y grabaciones ya enviadas se borran de aquí; la oficina las tiene.") : qsTr("Las sesiones que fallan se graban solas.")
        actionText: qsTr("Volver")
        actionIcon: "back"
        onAction: page.app.go(page.recording.origin)
    }

    Column {
        id: side

        visible: page.open
        x: Theme.margin
        y: failed.y + failed.height + Theme.gap16
        width: page.wide ? 360 : parent.width - 2 * Theme.margin
        spacing: Theme.gap12

        NoticeCard {
            width: parent.width
            notice: ({
                    "title": page.shown.verdict ?? "",
                    "text": page.shown.verdictDetail ?? "",
                    "tone": page.shown.tone ?? "",
                    "icon": Theme.toneIcon(page.shown.tone ?? "")
                })
        }

        NoticeCard {
            visible: (page.shown.saved ?? "") !== ""
            width: parent.width
            notice: ({
                    "title": qsTr("Guardado"),
                    "text": qsTr("%1. Lleva lecturas del cliente: entréguelo solo a soporte.").arg(page.shown.saved ?? ""),
                    "tone": "good",
                    "icon": "good"
                })
        }

        Card {
            visible: page.wide
            width: parent.width
            height: figures.implicitHeight

            Column {
                id: figures

                width: parent.width
                topPadding: Theme.gap12
                bottomPadding: Theme.gap12

                Repeater {
                    model: page.shown.facts ?? []

                    Item {
                        id: figure

                        required property var modelData

                        width: figures.width
                        height: 36

                        Label {
                            x: 20
                            anchors.verticalCenter: parent.verticalCenter
                            color: Theme.muted
                            text: figure.modelData.label
                        }

                        Label {
                            anchors.right: parent.right
                            anchors.rightMargin: 20
                            anchors.verticalCenter: parent.verticalCenter
                            strong: true
                            color: Theme.tone(figure.modelData.tone)
                            text: figure.modelData.value
                        }
                    }
                }
            }
        }

        Card {
            visible: page.others.length > 1
            width: parent.width
            height: Math.min(page.wide ? Math.max(160, page.height - side.y - y - Theme.gap24) : 160, others.contentHeight + 2)

            RowList {
                id: others

                anchors.fill: parent
                anchors.margins: 1
                model: page.others

                delegate: CaseDelegate {
                    required property var modelData
                    required property int index

                    firstRow: index === 0
                    width: others.width
                    enabled: modelData.blocked === ""
                    row: ({
                            "title": modelData.title,
                            "detail": modelData.blocked || modelData.detail,
                            "age": "",
                            "icon": modelData.blocked ? "notDone" : "records",
                            "tone": ""
                        })
                    chosen: page.shown.chosen === modelData.key
                    onClicked: page.recording.choose(modelData.key)
                }

                ScrollMark {
                    view: others
                }
            }
        }
    }

    Item {
        id: body

        visible: page.open
        x: page.wide ? side.x + side.width + Theme.gap24 : Theme.margin
        y: page.wide ? side.y : side.y + side.implicitHeight + Theme.gap12
        width: parent.width - x - Theme.margin
        height: parent.height - y - Theme.gap24

        Row {
            id: tools

            visible: page.problems > 0
            height: visible ? 72 : 0
            spacing: Theme.gap12

            ActionButton {
                height: 72
                text: page.onlyProblems ? qsTr("Ver todo") : qsTr("Solo lo que falló")
                note: page.onlyProblems ? "" : qsTr("marcado: %1").arg(page.problems)
                iconName: page.onlyProblems ? "list" : "filter"
                onClicked: page.onlyProblems = !page.onlyProblems
            }
        }

        Label {
            id: cut

            visible: text !== ""
            y: tools.height + (tools.visible ? Theme.gap12 : 0)
            width: parent.width
            color: Theme.muted
            text: page.shown.note ?? ""
            wrapMode: Text.WordWrap
        }

        Card {
            y: cut.y + (cut.visible ? cut.implicitHeight + Theme.gap12 : 0)
            width: parent.width
            height: Math.min(parent.height - y, list.contentHeight + 2)

            RowList {
                id: list

                anchors.fill: parent
                anchors.margins: 1
                focus: true
                model: page.frames

                delegate: T.ItemDelegate {
                    id: line

                    required property var modelData
                    required property int index

                    width: list.width
                    implicitHeight: Math.max(56, words.implicitHeight + 18)
                    focusPolicy: Qt.NoFocus
                    text: modelData.text
                    Accessible.description: modelData.layer + " " + modelData.time

                    background: Rectangle {
                        color: line.modelData.problem ? Theme.tint("attention") : "transparent"

                        Hairline {
                            visible: line.index > 0
                            width: parent.width
                            height: 1
                        }

                        FocusRing {
                            visible: line.ListView.isCurrentItem && list.byKeyboard
                            anchors.margins: 3
                        }
                    }

                    contentItem: Item {
                        Icon {
                            x: 16
                            anchors.verticalCenter: parent.verticalCenter
                            name: page.wayIcon(line.modelData)
                            size: 22
                            color: line.modelData.problem ? Theme.attention : Theme.muted
                        }

                        Column {
                            id: words

                            x: 54
                            anchors.verticalCenter: parent.verticalCenter
                            width: parent.width - x - Theme.gap16
                            spacing: 2

                            Label {
                                width: parent.width
                                strong: line.modelData.problem
                                text: line.modelData.text
                                wrapMode: Text.Wrap
                            }

                            Label {
                                width: parent.width
                                kind: Label.Caption
                                text: [line.modelData.time, line.modelData.gap, page.whose(line.modelData.way), line.modelData.layer, line.modelData.size].filter(part => part !== "").join("  ·  ")
                                wrapMode: Text.WordWrap
                            }
                        }
                    }
                }

                ScrollMark {
                    view: list
                }
            }
        }
    }

    function wayIcon(frame: var): string {
        if (frame.way === "tx")
            return "forward";
        if (frame.way === "rx")
            return "back";
        return frame.problem ? "attention" : "info";
    }

    function whose(way: string): string {
        if (way === "tx")
            return qsTr("al medidor");
        return way === "rx" ? qsTr("del medidor") : "";
    }
}
