pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// Órdenes of the office: what stands behind a figure of the board, and the evidence of the one that is open.
FocusScope {
    id: page

    required property AppController app
    readonly property OfficeController office: app.office
    readonly property var rows: office.list.rows ?? []
    readonly property bool wide: width >= 900
    readonly property bool caseOpen: office.case.id !== undefined

    Item {
        id: side

        visible: page.wide || !page.caseOpen
        x: Theme.margin
        y: Theme.gap16
        width: page.wide ? 400 : parent.width - 2 * Theme.margin
        height: parent.height - y

        Dropdown {
            id: which

            width: parent.width
            label: qsTr("Lista")
            current: page.office.list.key ?? ""
            options: page.office.list.lists ?? []
            onChosen: key => {
                page.office.closeCase();
                page.office.openList(key);
            }
        }

        // What was chosen on another page holds here too; it is seen, and taken away with a tap.
        Flow {
            id: chips

            y: which.height + (visible ? Theme.gap8 : 0)
            width: parent.width
            height: visible ? implicitHeight : 0
            visible: (page.office.list.filters ?? []).length > 0
            spacing: Theme.gap8

            Repeater {
                model: page.office.list.filters ?? []

                FilterChip {
                    required property var modelData

                    width: Math.min(implicitWidth, chips.width)
                    text: modelData.title
                    onClicked: page.office.dropFilter(modelData.key)
                }
            }
        }

        Label {
            id: detail

            y: chips.y + chips.height + Theme.gap8
            height: 28
            verticalAlignment: Text.AlignVCenter
            color: Theme.muted
            text: page.office.list.detail ?? ""
        }

        StaleNote {
            id: stale

            y: detail.y + detail.height + 4
            width: parent.width
            fresh: page.office.list.fresh ?? true
            at: page.office.list.at ?? ""
        }

        FailureNote {
            id: failed

            y: stale.y + stale.height
            width: parent.width
            failure: page.caseOpen ? ({}) : page.office.failure
            actionText: qsTr("Probar otra vez")
            onAction: page.office.loadList()
        }

        Card {
            visible: page.rows.length > 0
            y: failed.y + failed.height + (failed.visible || stale.visible ? Theme.gap12 : 0)
            width: parent.width
            height: Math.min(parent.height - y - Theme.gap16, list.contentHeight + 2)

            RowList {
                id: list

                anchors.fill: parent
                anchors.margins: 1
                model: page.rows

                delegate: CaseDelegate {
                    required property var modelData
                    required property int index

                    firstRow: index === 0
                    width: list.width
                    lowest: 88
                    row: ({
                            "title": modelData.title,
                            "detail": modelData.detail,
                            "age": modelData.state,
                            "icon": modelData.icon,
                            "tone": modelData.tone
                        })
                    chosen: page.office.case.orderId === modelData.id
                    onClicked: page.office.openOrder(modelData.id)
                }

                footer: ActionButton {
                    visible: page.office.list.more === true
                    width: list.width
                    height: visible ? 64 : 0
                    kind: "plain"
                    text: qsTr("Ver más")
                    iconName: "open"
                    onClicked: page.office.more()
                }

                ScrollMark {
                    view: list
                }
            }
        }

        EmptyState {
            visible: page.rows.length === 0 && !page.office.busy && !failed.visible
            anchors.centerIn: parent
            width: parent.width - 24
            iconName: "empty"
            text: qsTr("Ninguna orden en esta lista")
            detail: chips.visible ? qsTr("Ninguna cumple los filtros puestos.") : qsTr("Elija otra lista arriba.")
            actionText: chips.visible ? qsTr("Quitar filtros") : ""
            actionIcon: "cross"
            onAction: page.office.dropFilter("")
        }
    }

    ActionButton {
        id: backButton

        visible: !page.wide && page.caseOpen
        x: Theme.margin
        y: Theme.gap12
        height: 56
        text: qsTr("Órdenes")
        iconName: "back"
        iconSize: 22
        onClicked: page.office.closeCase()
    }

    CaseView {
        visible: page.wide || page.caseOpen
        x: page.wide ? side.x + side.width + Theme.gap16 : Theme.margin
        y: backButton.visible ? backButton.y + backButton.height : 0
        width: parent.width - x - Theme.margin
        height: parent.height - y
        office: page.office
    }
}
