pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// Sincronizar: what waits, what went, each entry's verdict in words, photos apart.
FocusScope {
    id: page

    required property AppController app
    readonly property var sync: app.sync.sync
    readonly property bool wide: width >= 1000
    readonly property real sideWidth: 356

    Flickable {
        id: scroller

        anchors.fill: parent
        contentHeight: sheet.y + Math.max(lists.y + lists.implicitHeight, side.y + side.implicitHeight) + Theme.gap24
        boundsBehavior: Flickable.StopAtBounds
        interactive: contentHeight > height

        Item {
            id: sheet

            x: Theme.margin
            y: Theme.margin
            width: parent.width - 2 * Theme.margin

            Card {
                id: head

                width: parent.width
                height: Math.max(144, headWords.implicitHeight + 32)

                Icon {
                    x: 24
                    anchors.verticalCenter: parent.verticalCenter
                    name: page.sync.running ? "sync" : page.sync.online ? "online" : "offline"
                    size: 48
                }

                Column {
                    id: headWords

                    x: 92
                    anchors.verticalCenter: parent.verticalCenter
                    width: tryNow.x - x - Theme.gap24
                    spacing: 6

                    Label {
                        width: parent.width
                        kind: Label.Value
                        text: page.headline()
                        wrapMode: Text.WordWrap
                    }

                    Label {
                        visible: !page.sync.running
                        width: parent.width
                        color: Theme.muted
                        text: page.sync.summary ?? ""
                        wrapMode: Text.WordWrap
                    }

                    ProgressLine {
                        visible: page.sync.running === true
                        width: parent.width
                        value: page.sync.progress ?? 0
                    }

                    Label {
                        visible: page.sync.running === true && text !== ""
                        width: parent.width
                        color: Theme.muted
                        font.features: Theme.figures
                        text: page.sync.stageDetail ?? ""
                    }

                    Label {
                        visible: (page.sync.error ?? "") !== ""
                        width: parent.width
                        strong: true
                        color: Theme.attention
                        text: page.sync.error ?? ""
                        wrapMode: Text.WordWrap
                    }

                    Label {
                        visible: (page.sync.errorCode ?? "") !== ""
                        width: parent.width
                        kind: Label.Caption
                        color: Theme.muted
                        text: page.sync.errorCode ?? ""
                    }
                }

                ActionButton {
                    id: tryNow

                    anchors.right: parent.right
                    anchors.rightMargin: 16
                    anchors.verticalCenter: parent.verticalCenter
                    height: Theme.primary
                    width: page.wide ? Math.max(228, implicitWidth) : implicitWidth
                    kind: page.sync.running ? "secondary" : "primary"
                    enabled: page.sync.running === true || !page.app.sync.busy
                    text: page.sync.running ? qsTr("Detener") : qsTr("Intentar ahora")
                    note: page.sync.running ? qsTr("Lo enviado queda enviado") : ""
                    iconName: page.sync.running ? "stop" : "sync"
                    onClicked: page.sync.running ? page.app.sync.stop() : page.app.sync.start()
                }
            }

            FailureNote {
                id: failure

                y: head.height + (visible ? Theme.gap16 : 0)
                width: parent.width
                failure: page.app.sync.failure
            }

            Column {
                id: notices

                y: failure.y + failure.height + (visible ? Theme.gap16 : 0)
                visible: (page.sync.notices ?? []).length > 0
                width: parent.width
                height: visible ? implicitHeight : 0
                spacing: Theme.gap12

                Repeater {
                    model: page.sync.notices ?? []

                    NoticeCard {
                        required property var modelData

                        width: notices.width
                        notice: modelData
                    }
                }
            }

            Column {
                id: lists

                y: notices.y + notices.height
                width: page.wide ? parent.width - page.sideWidth - Theme.gap24 : parent.width

                Repeater {
                    model: [
                        {
                            "key": "answer",
                            "title": qsTr("Necesita su respuesta"),
                            "detail": String(page.rows("answer").length)
                        },
                        {
                            "key": "waiting",
                            "title": qsTr("Por enviar"),
                            "detail": page.waitingDetail()
                        },
                        {
                            "key": "answered",
                            "title": qsTr("Respondidas"),
                            "detail": qsTr("%n hoy", "", page.sync.answeredToday ?? 0)
                        }
                    ]

                    Column {
                        id: section

                        required property var modelData
                        readonly property var rows: page.rows(modelData.key)

                        visible: rows.length > 0
                        width: lists.width

                        SectionTitle {
                            height: 44
                            text: section.modelData.title
                            detail: section.modelData.detail
                        }

                        Card {
                            width: parent.width
                            height: rowsColumn.implicitHeight

                            Column {
                                id: rowsColumn

                                width: parent.width

                                Repeater {
                                    model: section.rows

                                    ListRow {
                                        required property var modelData
                                        required property int index

                                        width: rowsColumn.width
                                        firstRow: index === 0
                                        text: modelData.title
                                        detail: modelData.detail
                                        iconName: modelData.icon
                                        verdict: modelData.verdict
                                        verdictDetail: modelData.verdictDetail
                                        verdictIcon: modelData.verdictIcon
                                        tone: modelData.tone
                                        chevron: modelData.more ? "next" : ""
                                        enabled: modelData.more
                                        onClicked: page.app.openOrder(modelData.id)
                                    }
                                }
                            }
                        }
                    }
                }

                EmptyState {
                    visible: (page.sync.entries ?? []).length === 0 && page.app.sync.known && page.sync.running !== true
                    topPadding: Theme.gap32
                    width: parent.width
                    iconName: "confirmed"
                    text: qsTr("Nada por enviar")
                    detail: qsTr("Lo que haga queda en este equipo y sale con la próxima conexión.")
                }
            }

            Column {
                id: side

                visible: page.app.sync.known
                x: page.wide ? parent.width - width : 0
                y: page.wide ? notices.y + notices.height + 44 : lists.y + lists.implicitHeight + Theme.gap16
                width: page.wide ? page.sideWidth : parent.width
                spacing: Theme.gap16

                SidePart {
                    iconName: "photos"
                    title: qsTr("Fotos")
                    figure: String(page.sync.photosWaiting ?? 0)
                    text: page.sync.photosText ?? ""

                    ProgressLine {
                        visible: page.sync.photosTotal > 0
                        width: parent.width
                        value: page.sync.photosTotal > 0 ? page.sync.photosConfirmed / page.sync.photosTotal : 0
                    }

                    Label {
                        visible: page.sync.photosTotal > 0
                        width: parent.width
                        kind: Label.Caption
                        text: qsTr("%1 de %2 confirmadas por la oficina").arg(page.sync.photosConfirmed ?? 0).arg(page.sync.photosTotal ?? 0)
                        wrapMode: Text.WordWrap
                    }

                    ActionButton {
                        visible: page.sync.photosNow === true
                        width: parent.width
                        enabled: !page.app.sync.busy && page.sync.running !== true
                        text: qsTr("Enviar fotos ahora")
                        iconName: "photos"
                        onClicked: page.app.sync.startWithPhotos()
                    }
                }

                SidePart {
                    visible: (page.sync.bundleText ?? "") !== ""
                    iconName: "usb"
                    title: qsTr("Por memoria USB")
                    text: page.sync.bundleText ?? ""

                    ActionButton {
                        width: parent.width
                        enabled: page.sync.bundleReady === true && !page.app.sync.busy
                        text: qsTr("Preparar entrega")
                        iconName: "usb"
                        onClicked: page.app.sync.handOver()
                    }

                    ActionButton {
                        width: parent.width
                        enabled: page.sync.running !== true && !page.app.sync.busy
                        text: qsTr("Traer de la memoria")
                        iconName: "usb"
                        onClicked: page.app.sync.takeFromStick()
                    }
                }

                SidePart {
                    visible: (page.sync.dataUsed ?? "") !== ""
                    iconName: "data"
                    title: page.sync.dataMonth ?? ""

                    Item {
                        width: parent.width
                        height: 24

                        ProgressLine {
                            visible: used.limited
                            anchors.verticalCenter: parent.verticalCenter
                            width: parent.width - used.width - Theme.gap16
                            value: page.sync.dataShare ?? 0
                        }

                        Row {
                            id: used

                            readonly property bool limited: (page.sync.dataLimit ?? "") !== ""

                            x: limited ? parent.width - width : 0
                            anchors.verticalCenter: parent.verticalCenter
                            spacing: 5

                            Label {
                                strong: true
                                text: page.sync.dataUsed ?? ""
                            }

                            Label {
                                color: Theme.muted
                                text: used.limited ? qsTr("de %1").arg(page.sync.dataLimit) : qsTr("enviados y recibidos")
                            }
                        }
                    }

                    Repeater {
                        model: page.sync.dataParts ?? []

                        Item {
                            id: share

                            required property var modelData

                            width: parent.width
                            height: shareName.height

                            Label {
                                id: shareName

                                width: parent.width - shareSize.width - Theme.gap16
                                color: Theme.muted
                                text: share.modelData.label
                                wrapMode: Text.WordWrap
                            }

                            Label {
                                id: shareSize

                                anchors.right: parent.right
                                font.features: Theme.figures
                                text: share.modelData.value
                            }
                        }
                    }

                    Repeater {
                        model: page.sync.choices ?? []

                        Dropdown {
                            required property var modelData

                            width: parent.width
                            height: Theme.target
                            rowHeight: Theme.target
                            label: modelData.label
                            current: modelData.value
                            options: modelData.options
                            onChosen: key => page.app.sync.choose(modelData.key, key)
                        }
                    }
                }
            }
        }

        ScrollMark {
            view: scroller
        }
    }

    component SidePart: Card {
        id: part

        property string iconName
        property string title
        property string figure
        property string text
        default property alias content: rest.data

        width: side.width
        height: partColumn.implicitHeight + 34

        Column {
            id: partColumn

            x: 20
            y: 14
            width: parent.width - 40
            spacing: Theme.gap8

            Item {
                width: parent.width
                height: 30

                Icon {
                    id: partIcon

                    anchors.verticalCenter: parent.verticalCenter
                    name: part.iconName
                    size: 26
                }

                Label {
                    x: 38
                    anchors.verticalCenter: parent.verticalCenter
                    width: parent.width - x - partFigure.width
                    kind: Label.Title
                    text: part.title
                    wrapMode: Text.WordWrap
                }

                Label {
                    id: partFigure

                    anchors.right: parent.right
                    anchors.verticalCenter: parent.verticalCenter
                    kind: Label.Title
                    text: part.figure
                }
            }

            Label {
                visible: text !== ""
                width: parent.width
                color: Theme.muted
                lineHeight: 1.12
                text: part.text
                wrapMode: Text.WordWrap
            }

            Column {
                id: rest

                width: parent.width
                spacing: Theme.gap8
            }
        }
    }

    function rows(section: string): var {
        return (page.sync.entries ?? []).filter(entry => entry.section === section);
    }

    function headline(): string {
        if (page.sync.running)
            return page.sync.stage;
        // Nothing is called sent before the state was read.
        if (!page.app.sync.known)
            return qsTr("Sincronizar");
        return page.sync.waiting > 0 ? qsTr("%n por enviar", "", page.sync.waiting) : qsTr("Todo enviado");
    }

    function waitingDetail(): string {
        const count = String(page.sync.waiting ?? 0);
        return page.sync.since ? qsTr("%1 · desde las %2").arg(count).arg(page.sync.since) : count;
    }
}
