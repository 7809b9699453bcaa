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
    property string sheet: ""
    readonly property bool narrow: width < Theme.narrowBelow

    Component.onCompleted: page.show()
    // From the page and from what lies on it: one step out, as *Atrás* does.
    Keys.onEscapePressed: page.leaveSheet()

    Connections {
        target: page.procedure

        function onStepChanged(): void {
            page.show();
        }
    }

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
        }

        StepFoot {
            id: foot

            y: parent.height - height
            width: parent.width
            body: page.body
            canBack: page.sheet !== "" || (page.step.canBack ?? true)
            busy: page.procedure.busy
            savedAt: page.procedure.savedAt
            cancelTitle: page.step.cancelTitle ?? ""
            cancelDetail: page.step.cancelDetail ?? ""
            onBack: page.sheet !== "" ? page.show() : page.procedure.back()
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
        id: confirmFace

        ConfirmStep {
            procedure: page.procedure
        }
    }

    Component {
        id: chooseFace

        ChooseStep {
            procedure: page.procedure
        }
    }

    Component {
        id: numberFace

        NumberStep {
            procedure: page.procedure
        }
    }

    Component {
        id: valueFace

        ValueStep {
            procedure: page.procedure
        }
    }

    Component {
        id: textFace

        TextStep {
            procedure: page.procedure
        }
    }

    Component {
        id: photoFace

        PhotoStep {
            procedure: page.procedure
        }
    }

    Component {
        id: panelPhotoFace

        PanelPhotoStep {
            procedure: page.procedure
            onOpenPanel: panel => page.app.openPanelPhoto(panel)
        }
    }

    Component {
        id: scanFace

        ScanStep {
            procedure: page.procedure
        }
    }

    Component {
        id: readFace

        ReadStep {
            procedure: page.procedure
        }
    }

    Component {
        id: applyFace

        PlanStep {
            procedure: page.procedure
        }
    }

    Component {
        id: relayFace

        RelayStep {
            procedure: page.procedure
        }
    }

    Component {
        id: sealsFace

        SealsStep {
            procedure: page.procedure
        }
    }

    Component {
        id: placeFace

        PlaceStep {
            procedure: page.procedure
        }
    }

    Component {
        id: joinFace

        JoinStep {
            procedure: page.procedure
        }
    }

    Component {
        id: balanceFace

        BalanceStep {
            procedure: page.procedure
        }
    }

    Component {
        id: signatureFace

        SignatureStep {
            procedure: page.procedure
        }
    }

    Component {
        id: summaryFace

        SummaryStep {
            procedure: page.procedure
        }
    }

    Component {
        id: standingFace

        StandingStep {
            procedure: page.procedure
            onOtherWork: page.app.go("otherWork")
        }
    }

    readonly property var faces: ({
            "confirm": confirmFace,
            "choose": chooseFace,
            "number": numberFace,
            "text": textFace,
            "value": valueFace,
            "photo": photoFace,
            "panel_photo": panelPhotoFace,
            "scan": scanFace,
            "meter_read": readFace,
            "plan_apply": applyFace,
            "relay": relayFace,
            "seals": sealsFace,
            "place": placeFace,
            "join": joinFace,
            "balance": balanceFace,
            "signature": signatureFace,
            "summary": summaryFace,
            "standing": standingFace,
            "match": matchFace
        })

    Component {
        id: otherwiseSheet

        OtherwiseSheet {
            procedure: page.procedure
        }
    }

    Component {
        id: placeSheet

        PlaceSheet {
            procedure: page.procedure
        }
    }

    Component {
        id: allowSheet

        AllowSheet {
            procedure: page.procedure
        }
    }

    Connections {
        target: page.body

        function onOpenSheet(name: string): void {
            page.procedure.dismiss();
            page.sheet = name;
            loader.sourceComponent = name === "allow" ? allowSheet : name === "place" ? placeSheet : otherwiseSheet;
            (loader.item as Item).focus = true;
            loader.forceActiveFocus();
        }

        function onCloseSheet(): void {
            page.show();
        }
    }

    function leaveSheet(): void {
        if (page.sheet !== "")
            page.show();
    }

    // A new step gets a new page even where the kind stays, so that no answer is carried over.
    function show(): void {
        page.sheet = "";
        loader.sourceComponent = null;
        loader.sourceComponent = page.faces[page.procedure.kind] ?? null;
        if (loader.item !== null)
            (loader.item as Item).focus = true;
        loader.forceActiveFocus();
    }
}
