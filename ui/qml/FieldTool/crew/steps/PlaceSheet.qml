pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Another concentrator: where the order's place allows, where this tablet placed of late, what is near; or by its label.
StepBody {
    id: body

    readonly property var groups: [["here", qsTr("Donde dice la orden")], ["recent", qsTr("Usados hace poco")], ["near", qsTr("Los más cercanos")]]
    readonly property string current: ((step.selects ?? []).find(one => one.key === "concentrator") ?? ({})).value ?? ""

    primaryText: qsTr("Escanear etiqueta")
    primaryIcon: "scan"
    primaryReady: !procedure.busy
    allExtras: []

    function accept(): void {
        body.closeSheet();
        body.procedure.scanPlace();
    }

    function choose(key: string): void {
        body.procedure.act("select", {
            "key": "concentrator",
            "value": key
        });
        body.closeSheet();
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
            spacing: Theme.gap12

            Label {
                width: parent.width
                kind: Label.Value
                text: qsTr("Concentrador")
                wrapMode: Text.WordWrap
            }

            Repeater {
                model: body.groups

                Column {
                    id: group

                    required property var modelData
                    readonly property var rows: (body.step.choices ?? []).filter(one => one.role === modelData[0])

                    visible: rows.length > 0
                    width: sheet.width
                    spacing: Theme.gap8

                    SectionTitle {
                        width: parent.width
                        text: group.modelData[1]
                    }

                    Repeater {
                        model: group.rows

                        ChoiceTile {
                            required property var modelData

                            width: group.width
                            text: modelData.title
                            detail: modelData.detail
                            detailTone: modelData.tone
                            iconName: "concentrator"
                            chosen: modelData.key === body.current
                            onClicked: body.choose(modelData.key)
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
