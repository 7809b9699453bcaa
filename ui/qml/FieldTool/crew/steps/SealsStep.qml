pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Seals: one row a place; scanned or typed, with its condition where the step asks for one.
StepBody {
    id: body

    property string open: ""
    // Conditions to choose from; without any the seal is simply put on.
    readonly property var conditions: (step.choices ?? []).length > 0 ? step.choices : [
        {
            "key": "",
            "title": qsTr("Guardar"),
            "icon": "check"
        }
    ]

    extras: [
        {
            "key": "scan",
            "text": qsTr("Escanear"),
            "icon": "scan"
        }
    ]
    onExtra: body.procedure.scanSeal(body.open)

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

            Card {
                width: parent.width
                height: rows.implicitHeight

                Column {
                    id: rows

                    width: parent.width

                    Repeater {
                        model: body.step.seals ?? []

                        ListRow {
                            required property var modelData
                            required property int index

                            width: rows.width
                            firstRow: index === 0
                            iconName: "seal"
                            text: modelData.place
                            detail: modelData.number || qsTr("sin número todavía")
                            verdict: modelData.state
                            verdictIcon: modelData.tone === "" ? "edit" : Theme.toneIcon(modelData.tone)
                            tone: modelData.tone
                            chevron: body.open === modelData.key ? "close" : "open"
                            onClicked: body.open = body.open === modelData.key ? "" : modelData.key
                        }
                    }
                }
            }

            Card {
                id: editor

                readonly property var seal: (body.step.seals ?? []).find(one => one.key === body.open) ?? ({})

                visible: body.open !== ""
                width: parent.width
                height: edit.implicitHeight + 32

                Column {
                    id: edit

                    x: 16
                    y: 16
                    width: parent.width - 32
                    spacing: Theme.gap16

                    InputField {
                        id: number

                        width: parent.width
                        iconName: "number"
                        placeholderText: qsTr("Número del precinto: %1").arg(editor.seal.place ?? "")
                        text: editor.seal.number ?? ""
                    }

                    Row {
                        id: conditionRow

                        width: parent.width
                        spacing: Theme.gap16

                        Repeater {
                            model: body.conditions

                            ActionButton {
                                required property var modelData

                                width: (conditionRow.width - (body.conditions.length - 1) * Theme.gap16) / body.conditions.length
                                text: modelData.title
                                iconName: modelData.icon ?? ""
                                enabled: number.text.trim() !== ""
                                onClicked: {
                                    const key = body.open;
                                    body.open = "";
                                    body.procedure.act("seal", {
                                        "position": key,
                                        "number": number.text.trim(),
                                        "condition": modelData.key
                                    });
                                }
                            }
                        }
                    }
                }
            }
        }

        ScrollMark {
            view: scroller
        }
    }
}
