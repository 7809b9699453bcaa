pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls

// Choose: one of a few answers; some ask for a word or a photo.
StepBody {
    id: body

    property string choice: step.value ?? ""
    readonly property var chosen: (step.choices ?? []).find(one => one.key === choice) ?? ({})
    readonly property bool noteMissing: chosen.needsNote === true && words.text.trim() === ""

    primaryReady: choice !== "" && !noteMissing && !procedure.busy
    primaryNote: choice === "" ? qsTr("elija una") : noteMissing ? qsTr("falta contar qué pasó") : (step.notReady ?? "")
    answers: ({
            "choice": body.choice,
            "note": words.text.trim()
        })

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
                id: tiles

                width: parent.width
                columns: (body.step.choices ?? []).length > 4 && !body.narrow ? 2 : 1
                spacing: Theme.gap16

                Repeater {
                    model: body.step.choices ?? []

                    ChoiceTile {
                        required property var modelData

                        width: (tiles.width - (tiles.columns - 1) * Theme.gap16) / tiles.columns
                        text: modelData.title
                        detail: modelData.detail
                        iconName: modelData.icon
                        tone: modelData.tone
                        chosen: body.choice === modelData.key
                        onClicked: body.choice = modelData.key
                    }
                }
            }

            TextBox {
                id: words

                visible: body.chosen.needsNote === true
                width: parent.width
                placeholderText: qsTr("Qué pasó, en pocas palabras (hace falta)")
            }
        }

        ScrollMark {
            view: scroller
        }
    }
}
