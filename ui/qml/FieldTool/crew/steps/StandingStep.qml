pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// What an earlier visit left at the site: what stands, what stays done, what is still to be done.
StepBody {
    id: body

    signal otherWork

    extras: procedure.works.length === 0 ? [] : [
        {
            "key": "otherWork",
            "text": qsTr("Deshacer u otro trabajo…"),
            "icon": "undo"
        }
    ]
    onExtra: body.otherWork()

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

            Card {
                width: parent.width
                height: rows.implicitHeight

                Column {
                    id: rows

                    width: parent.width

                    Repeater {
                        model: body.step.choices ?? []

                        ListRow {
                            required property var modelData
                            required property int index

                            width: rows.width
                            firstRow: index === 0
                            iconName: modelData.icon
                            iconTone: modelData.tone
                            text: modelData.title
                            detail: modelData.detail
                            chevron: ""
                            enabled: false
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
