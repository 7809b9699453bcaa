pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls
import FieldTool.crew.steps

// Steps on the left, one decision on the right, *Atrás* and the one primary action in thumb reach.
FocusScope {
    id: page

    required property AppController app
    readonly property ProcedureController procedure: app.procedure
    readonly property var step: procedure.step
    readonly property StepBody body: loader.item as StepBody
    readonly property bool narrow: width < Theme.narrowBelow

    StepList {
        id: steps

        height: parent.height
        phases: page.procedure.phases
        title: page.procedure.title
        narrow: page.narrow || page.step.wide === true
        onLeave: page.app.go("orders")
        onNotDone: page.app.go("notDone")
    }

    Item {
        id: room

        x: steps.width + Theme.margin
        y: Theme.margin
        width: parent.width - x - Theme.margin
        height: parent.height - y

        FailureNote {
            id: failure

            width: parent.width
            failure: page.procedure.failure
        }

        Loader {
            id: loader

            y: failure.visible ? failure.height + Theme.gap16 : 0
            width: parent.width
            height: foot.y - y - 28
            focus: true
            sourceComponent: page.faceOf(page.procedure.kind)
        }

        StepFoot {
            id: foot

            y: parent.height - height
            width: parent.width
            body: page.body
            canBack: page.step.canBack ?? true
            busy: page.procedure.busy
            savedAt: page.procedure.savedAt
            cancelTitle: page.step.cancelTitle ?? ""
            cancelDetail: page.step.cancelDetail ?? ""
            onBack: page.procedure.back()
            onCancel: page.procedure.cancel()
        }
    }

    Component {
        id: matchFace

        MatchStep {
            procedure: page.procedure
            onShowOrder: orderId => page.app.openOrder(orderId)
        }
    }

    Component {
        id: planFace

        PlanStep {
            procedure: page.procedure
        }
    }

    function faceOf(kind: string): Component {
        switch (kind) {
        case "match":
            return matchFace;
        case "plan_apply":
            return planFace;
        }
        return null;
    }
}
