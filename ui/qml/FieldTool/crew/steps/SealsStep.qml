pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Seals: one row a place; scanned or typed, intact, broken or missing.
StepBody {
    id: body

    property string open: ""

    extras: [
        {
            "key": "scan",
            "text": qsTr("Escanear"),
            "icon": "scan"
        }
    ]
    onExtra: key => body.procedure.act(key, {})

    Flickable {
        anchors.fill: parent
        contentHeight: sheet.implicitHeight
        interactive: contentHeight > height
        boundsBehavior: Flickable.StopAtBounds
        clip: interactive

        Column {
            id: sheet

            width: parent.width
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
                        id: stateRow

                        width: parent.width
                        spacing: Theme.gap16

                        Repeater {
                            model: [
                                {
                                    "key": "intact",
                                    "text": qsTr("Intacto"),
                                    "icon": "good"
                                },
                                {
                                    "key": "broken",
                                    "text": qsTr("Roto"),
                                    "icon": "wrong"
                                },
                                {
                                    "key": "missing",
                                    "text": qsTr("Falta"),
                                    "icon": "unknown"
                                }
                            ]

                            ActionButton {
                                required property var modelData

                                width: (stateRow.width - 2 * Theme.gap16) / 3
                                text: modelData.text
                                iconName: modelData.icon
                                enabled: modelData.key === "missing" || number.text.trim() !== ""
                                onClicked: {
                                    const key = body.open;
                                    body.open = "";
                                    body.procedure.act("seal", {
                                        "key": key,
                                        "number": number.text.trim(),
                                        "state": modelData.key
                                    });
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
