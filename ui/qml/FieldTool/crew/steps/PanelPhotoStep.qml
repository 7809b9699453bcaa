pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// The photo of the whole panel: taken on the page *Panel*; here the count against the orders, and what is not right.
StepBody {
    id: body

    readonly property bool taken: step.value === "taken"

    signal openPanel(string panel)

    primaryText: taken ? (step.primary ?? "") : qsTr("Abrir la foto del panel")
    primaryIcon: taken ? "check" : "camera"
    primaryReady: (taken ? (step.ready ?? true) : step.panel !== "") && !procedure.busy
    primaryNote: step.notReady ?? ""
    extras: taken && step.panel !== "" ? [
        {
            "key": "panel",
            "text": qsTr("Abrir la foto"),
            "icon": "camera"
        }
    ] : []
    onExtra: body.openPanel(body.step.panel)

    function accept(): void {
        if (body.taken)
            body.procedure.accept({});
        else
            body.openPanel(body.step.panel);
    }

    Flickable {
        id: scroller

        anchors.fill: parent
        anchors.rightMargin: -Theme.gap16
        contentHeight: sheet.implicitHeight
        interactive: contentHeight > height
        boundsBehavior: Flickable.StopAtBounds
        clip: interactive

        Column {
            id: sheet

            width: scroller.width - Theme.gap16
            spacing: Theme.gap16

            StepHead {
                width: parent.width
                step: body.step
            }

            VerdictBand {
                visible: body.taken
                width: parent.width
                tone: body.step.tone || "good"
                iconName: body.step.tone === "good" ? "good" : "attention"
                text: body.step.verdict ?? ""
                detail: ""
            }

            Grid {
                id: facts

                width: parent.width
                columns: body.narrow ? 1 : 2
                spacing: Theme.gap12

                Repeater {
                    model: body.step.facts ?? []

                    FactCard {
                        required property var modelData

                        width: (facts.width - (facts.columns - 1) * Theme.gap12) / facts.columns
                        fact: modelData
                    }
                }
            }
        }

        ScrollMark {
            view: scroller
        }
    }
}
