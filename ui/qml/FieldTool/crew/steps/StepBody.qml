import QtQuick
import FieldTool.Core

// What every page of a step has: the step, the controller, and what the primary button says and does.
FocusScope {
    id: body

    required property ProcedureController procedure
    readonly property var step: procedure.step
    readonly property bool narrow: width < 760

    property string primaryText: step.primary ?? ""
    property string primaryIcon: step.primaryIcon ?? "forward"
    property bool primaryReady: (step.ready ?? true) && !procedure.busy
    property string primaryNote: step.notReady ?? ""
    property var answers: ({})
    // Second buttons between *Atrás* and the primary one: [{key, text, icon}].
    property var extras: []

    // The other way out, where the step has one, stands after the extras of its kind.
    property var allExtras: (step.otherwise ?? []).length === 0 ? extras : extras.concat([
        {
            "key": "otherwise",
            "text": step.otherwiseTitle
        }
    ])

    signal extra(string key)
    signal openSheet(string name)
    signal closeSheet

    function accept(): void {
        body.procedure.accept(body.answers);
    }
}
