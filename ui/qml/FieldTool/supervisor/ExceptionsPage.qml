pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// Excepciones: one queue, the worst first; beside it the evidence and the decision.
FocusScope {
    id: page

    required property AppController app
    readonly property OfficeController office: app.office
    readonly property var rows: office.queue.rows ?? []
    readonly property bool wide: width >= 900
    readonly property bool caseOpen: office.case.id !== undefined
    // An office that did not answer has not said that nothing waits.
    readonly property bool answered: (office.failure.message ?? "") === ""
    readonly property bool nothing: rows.length === 0 && answered && !office.busy && !caseOpen

    Item {
        id: side

        visible: (page.wide || !page.caseOpen) && !page.nothing
        x: Theme.margin
        y: Theme.gap16
        width: page.wide ? 400 : parent.width - 2 * Theme.margin
        height: parent.height - y

        SectionTitle {
            id: title

            height: 40
            text: qsTr("Excepciones")
            detail: page.office.queue.detail ?? ""
        }

        StaleNote {
            id: stale

            y: 44
            width: parent.width
            fresh: page.office.queue.fresh ?? true
            at: page.office.queue.at ?? ""
        }

        FailureNote {
            id: failed

            y: stale.y + stale.height
            width: parent.width
            failure: page.caseOpen ? ({}) : page.office.failure
            actionText: qsTr("Probar otra vez")
            onAction: page.office.loadQueue()
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
                    row: modelData
                    chosen: page.office.case.id === modelData.id
                    lowest: 88
                    onClicked: page.office.openCase(modelData.id)
                }

                ScrollMark {
                    view: list
                }
            }
        }
    }

    ActionButton {
        id: backButton

        visible: !page.wide && page.caseOpen
        x: Theme.margin
        y: Theme.gap12
        height: 56
        text: qsTr("Excepciones")
        iconName: "back"
        iconSize: 22
        onClicked: page.office.closeCase()
    }

    CaseView {
        visible: (page.wide || page.caseOpen) && !page.nothing
        x: page.wide ? side.x + side.width + Theme.gap16 : Theme.margin
        y: backButton.visible ? backButton.y + backButton.height : 0
        width: parent.width - x - Theme.margin
        height: parent.height - y
        office: page.office
    }

    EmptyState {
        visible: page.nothing
        anchors.centerIn: parent
        width: Math.min(560, parent.width - 48)
        iconName: "confirmed"
        text: qsTr("Nada espera una decisión")
        detail: qsTr("Lo que una cuadrilla cierre con una duda aparece aquí, lo más grave primero.")
    }
}
