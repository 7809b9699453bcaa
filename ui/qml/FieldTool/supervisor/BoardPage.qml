pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// Tablero: six figures that open what stands behind them, the rollout, joins by age, crews, the worst exceptions.
FocusScope {
    id: page

    required property AppController app
    readonly property OfficeController office: app.office
    readonly property var board: office.board
    readonly property bool wide: width >= 1000
    readonly property bool loaded: (board.project ?? "") !== ""
    // At 1280×800 everything stands without scrolling; a larger window gives the plots more room.
    readonly property real rest: Math.max(502, height - top.y - top.height - Theme.gap12 - Theme.gap16)

    Flickable {
        id: scroller

        anchors.fill: parent
        contentHeight: sheet.y + sheet.height + Theme.gap16
        boundsBehavior: Flickable.StopAtBounds
        interactive: contentHeight > height
        clip: true

        Item {
            id: sheet

            x: Theme.margin
            width: parent.width - 2 * Theme.margin
            height: bottom.y + bottom.height

            Column {
                id: top

                y: Theme.gap16
                width: parent.width
                spacing: Theme.gap12

                Row {
                    width: parent.width
                    spacing: Theme.gap12

                    Dropdown {
                        width: Math.min(420, parent.width * 0.45)
                        label: qsTr("Proyecto")
                        current: page.board.project ?? ""
                        options: page.board.projects ?? []
                        onChosen: key => page.office.chooseProject(key)
                    }

                    Dropdown {
                        width: Math.min(220, parent.width * 0.25)
                        label: qsTr("Periodo")
                        current: page.board.period ?? ""
                        options: page.board.periods ?? []
                        onChosen: key => page.office.choosePeriod(key)
                    }

                    Column {
                        id: facts

                        visible: page.wide
                        width: parent.width - x
                        leftPadding: Theme.gap12
                        anchors.verticalCenter: parent.verticalCenter

                        Label {
                            width: parent.width - Theme.gap12
                            strong: true
                            text: page.board.contractor ?? ""
                            elide: Text.ElideRight
                        }

                        Label {
                            width: parent.width - Theme.gap12
                            color: Theme.muted
                            text: page.board.technology ?? ""
                            elide: Text.ElideRight
                        }
                    }
                }

                StaleNote {
                    width: parent.width
                    fresh: page.board.fresh ?? true
                    at: page.board.at ?? ""
                }

                FailureNote {
                    width: parent.width
                    failure: page.office.failure
                    actionText: qsTr("Intentar otra vez")
                    onAction: page.office.loadBoard()
                }

                Grid {
                    id: tiles

                    visible: page.loaded
                    width: parent.width
                    columns: page.wide ? 6 : 3
                    spacing: Theme.gap12

                    Repeater {
                        model: page.board.tiles ?? []

                        FigureTile {
                            required property var modelData

                            width: (tiles.width - (tiles.columns - 1) * tiles.spacing) / tiles.columns
                            figure: modelData
                            onClicked: {
                                // Orphans are devices, not orders: they have a page of their own.
                                if (modelData.key === "orphans") {
                                    page.app.go("orphans");
                                    return;
                                }
                                page.office.behind(modelData.key);
                                page.app.go("officeOrders");
                            }
                        }
                    }
                }
            }

            Card {
                id: rollout

                visible: page.loaded
                y: top.y + top.height + Theme.gap12
                width: page.wide ? Math.round((parent.width - Theme.gap12) * 0.635) : parent.width
                height: page.wide ? Math.round(page.rest * 0.5) : 280

                SectionTitle {
                    id: curveTitle

                    x: 20
                    y: 2
                    text: qsTr("Despliegue")
                    detail: page.board.curve?.detail ?? ""
                }

                RolloutCurve {
                    x: 12
                    y: curveTitle.y + curveTitle.height - 2
                    width: parent.width - 32
                    height: parent.height - y - 12
                    curve: page.board.curve ?? ({})
                }
            }

            Card {
                id: join

                visible: page.loaded
                x: page.wide ? rollout.width + Theme.gap12 : 0
                y: page.wide ? rollout.y : rollout.y + rollout.height + Theme.gap12
                width: parent.width - x
                height: page.wide ? rollout.height : 268

                SectionTitle {
                    id: joinTitle

                    x: 20
                    y: 2
                    text: qsTr("Unión a la red")
                }

                Row {
                    anchors.right: parent.right
                    anchors.rightMargin: 20
                    anchors.verticalCenter: joinTitle.verticalCenter
                    spacing: Theme.gap8

                    Rectangle {
                        anchors.verticalCenter: parent.verticalCenter
                        width: 3
                        height: 16
                        color: Theme.ink
                    }

                    Label {
                        kind: Label.Caption
                        text: qsTr("meta")
                    }
                }

                JoinBars {
                    x: 20
                    y: joinTitle.y + joinTitle.height
                    width: parent.width - 40
                    joins: page.board.joins ?? []
                    spacing: Math.max(10, Math.min(40, (join.height - y - 3 * 48 - 20) / 2))
                }
            }

            Card {
                id: crews

                visible: page.loaded
                y: join.y + join.height + Theme.gap12
                width: page.wide ? Math.round((parent.width - Theme.gap12) * 0.49) : parent.width
                height: page.wide ? page.rest - rollout.height - Theme.gap12 : 260

                SectionTitle {
                    id: crewsTitle

                    x: 20
                    y: 2
                    text: qsTr("Cuadrillas")
                    detail: page.board.crewsDetail ?? ""
                }

                Row {
                    visible: (page.board.crewsPlan ?? "") !== ""
                    anchors.right: parent.right
                    anchors.rightMargin: 20
                    anchors.verticalCenter: crewsTitle.verticalCenter
                    spacing: 3

                    Repeater {
                        model: 3

                        Rectangle {
                            anchors.verticalCenter: parent.verticalCenter
                            width: 5
                            height: 2
                            color: Theme.ink
                        }
                    }

                    Label {
                        leftPadding: 5
                        kind: Label.Caption
                        text: page.board.crewsPlan ?? ""
                    }
                }

                CrewCharts {
                    id: crewCharts

                    x: 20
                    y: crewsTitle.y + crewsTitle.height - 4
                    width: parent.width - 40
                    across: Math.max(2, Math.floor(width / 124))
                    chartHeight: Math.max(72, (crews.height - y - 16 - rowSpacing) / 2)
                    crews: (page.board.crews ?? []).slice(0, 2 * across)
                }

                Label {
                    visible: (page.board.crews ?? []).length === 0
                    anchors.centerIn: parent
                    color: Theme.muted
                    text: qsTr("Ninguna cuadrilla ha cerrado órdenes en el periodo.")
                }
            }

            Card {
                id: bottom

                visible: page.loaded
                x: page.wide ? crews.width + Theme.gap12 : 0
                y: page.wide ? crews.y : crews.y + crews.height + Theme.gap12
                width: parent.width - x
                height: page.wide ? crews.height : worst.y + worst.height

                SectionTitle {
                    id: casesTitle

                    x: 20
                    height: 54
                    text: qsTr("Excepciones")
                    detail: page.board.casesDetail ?? ""
                }

                ActionButton {
                    anchors.right: parent.right
                    height: 56
                    kind: "plain"
                    text: qsTr("Ver todas")
                    iconName: "next"
                    iconAfter: true
                    iconSize: 22
                    onClicked: page.app.go("exceptions")
                }

                Column {
                    id: worst

                    y: 54
                    width: parent.width

                    Repeater {
                        model: (page.board.cases ?? []).slice(0, Math.max(1, Math.floor((crews.height - 53) / 64)))

                        CaseDelegate {
                            required property var modelData

                            width: worst.width
                            row: modelData
                            onClicked: {
                                page.office.openCase(modelData.id);
                                page.app.go("exceptions");
                            }
                        }
                    }
                }

                Label {
                    visible: page.loaded && (page.board.cases ?? []).length === 0
                    anchors.centerIn: parent
                    color: Theme.muted
                    text: qsTr("Nada espera una decisión.")
                }
            }
        }
    }

    EmptyState {
        visible: !page.loaded && !page.office.busy && (page.office.failure.message ?? "") === ""
        anchors.centerIn: parent
        width: Math.min(560, parent.width - 48)
        iconName: "board"
        text: qsTr("Sin datos todavía")
        detail: qsTr("La oficina no ha cargado ningún proyecto.")
    }

    Spinner {
        visible: !page.loaded && page.office.busy
        anchors.centerIn: parent
        size: 48
    }
}
