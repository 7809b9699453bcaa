pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Templates as T
import FieldTool.theme

// Phases and steps of the procedure; takes the rail's place. Narrow: only marks and short words of the current phase.
Rectangle {
    id: steps

    required property var phases
    property string title: ""
    property bool narrow: false

    // Phase lines give way a little, so that six phases with four steps still fit in 800.
    readonly property int openRows: {
        const current = phases.find(phase => phase.state === "current");
        return current ? current.steps.length : 0;
    }
    readonly property real phaseHeight: Math.max(34, Math.min(44, (height - 2 * Theme.target - 4 - openRows * 85) / Math.max(1, phases.length)))

    signal leave
    signal notDone

    implicitWidth: narrow ? Theme.rail : Theme.steps
    color: Theme.surface

    component Edge: T.AbstractButton {
        id: edge

        property string iconName
        property string detail

        width: steps.width
        height: Theme.target
        Accessible.name: text
        Keys.onReturnPressed: clicked()

        background: Rectangle {
            color: edge.down ? Theme.pressed : "transparent"

            FocusRing {
                visible: edge.visualFocus
                anchors.margins: 4
            }
        }

        contentItem: Item {
            Icon {
                id: sign

                x: steps.narrow ? (parent.width - width) / 2 : 22
                y: steps.narrow ? 18 : (parent.height - height) / 2
                name: edge.iconName
                size: steps.narrow ? 24 : 26
            }

            Column {
                x: steps.narrow ? 4 : 62
                y: steps.narrow ? 46 : (parent.height - height) / 2
                width: parent.width - x - (steps.narrow ? 4 : 12)
                spacing: 2

                Label {
                    width: parent.width
                    strong: true
                    text: edge.text
                    font.pixelSize: steps.narrow ? Theme.caption : Theme.body
                    color: Theme.ink
                    lineHeight: 0.9
                    horizontalAlignment: steps.narrow ? Text.AlignHCenter : Text.AlignLeft
                    wrapMode: Text.WordWrap
                }

                Label {
                    visible: !steps.narrow && text !== ""
                    width: parent.width
                    kind: Label.Caption
                    text: edge.detail
                    wrapMode: Text.WordWrap
                    maximumLineCount: 2
                    elide: Text.ElideRight
                }
            }
        }
    }

    component PhaseLine: Item {
        id: line

        required property var phase

        width: steps.width
        height: steps.phaseHeight

        Icon {
            visible: line.phase.state !== "open"
            x: 24
            anchors.verticalCenter: parent.verticalCenter
            name: line.phase.state === "done" ? "check" : "open"
            size: 22
            color: line.phase.state === "done" ? Theme.good : Theme.ink
        }

        Rectangle {
            visible: line.phase.state === "open"
            x: 25
            anchors.verticalCenter: parent.verticalCenter
            width: 20
            height: 20
            radius: 10
            color: "transparent"
            border.width: 2
            border.color: Theme.edge
        }

        Label {
            x: 58
            anchors.verticalCenter: parent.verticalCenter
            width: count.x - x - 8
            text: line.phase.title
            font.weight: line.phase.state === "current" ? Font.Bold : Font.Normal
            color: line.phase.state === "current" ? Theme.ink : Theme.muted
            elide: Text.ElideRight
        }

        Label {
            id: count

            anchors.right: parent.right
            anchors.rightMargin: 20
            anchors.verticalCenter: parent.verticalCenter
            text: qsTr("%1 de %2").arg(line.phase.done).arg(line.phase.total)
            font.weight: line.phase.state === "current" ? Font.Bold : Font.Normal
            color: line.phase.state === "current" ? Theme.ink : Theme.muted
        }
    }

    component StepRow: Rectangle {
        id: row

        required property var step
        readonly property bool current: step.state === "current" || step.state === "failed"

        width: steps.width - 1
        height: steps.narrow ? 88 : 85
        color: step.state === "failed" ? Theme.wrongTint : current ? Theme.selection : "transparent"

        Hairline {
            visible: !steps.narrow
            width: parent.width
            height: 1
        }

        Rectangle {
            visible: row.current
            width: 6
            height: parent.height
            color: row.step.state === "failed" ? Theme.wrong : Theme.action
        }

        StepMark {
            id: mark

            x: steps.narrow ? (parent.width - width) / 2 : 24
            y: steps.narrow ? 16 : (parent.height - height) / 2
            stepState: row.step.state
            number: row.step.number
        }

        Column {
            x: steps.narrow ? 4 : 72
            y: steps.narrow ? 54 : (parent.height - height) / 2
            width: parent.width - x - (steps.narrow ? 4 : 16)
            spacing: 2

            Label {
                width: parent.width
                text: steps.narrow ? (row.step.short || row.step.title) : row.step.title
                font.weight: row.current ? Font.Bold : Font.Medium
                font.pixelSize: steps.narrow ? Theme.caption : Theme.body
                horizontalAlignment: steps.narrow ? Text.AlignHCenter : Text.AlignLeft
                wrapMode: steps.narrow ? Text.NoWrap : Text.WordWrap
                maximumLineCount: steps.narrow ? 1 : 2
                elide: Text.ElideRight
            }

            Label {
                visible: !steps.narrow && text !== ""
                width: parent.width
                kind: Label.Caption
                font.weight: Font.Medium
                text: row.step.detail
                elide: Text.ElideRight
            }
        }
    }

    Edge {
        id: leaveEdge

        iconName: "previous"
        text: qsTr("Órdenes")
        detail: steps.title
        onClicked: steps.leave()
    }

    Hairline {
        anchors.top: leaveEdge.bottom
        width: parent.width
        height: 1
    }

    Flickable {
        id: view

        property Item currentRow

        // What is done now is in view, also where a phase has more steps than fit.
        function reveal() {
            if (!currentRow)
                return;
            const top = currentRow.mapToItem(list, 0, 0).y;
            const least = top + currentRow.height - height;
            contentY = Math.max(0, Math.min(contentHeight - height, Math.max(least, Math.min(contentY, top))));
        }

        onCurrentRowChanged: Qt.callLater(reveal)
        onHeightChanged: Qt.callLater(reveal)
        onContentHeightChanged: Qt.callLater(reveal)

        anchors.top: leaveEdge.bottom
        anchors.topMargin: 1
        anchors.bottom: bottomLine.top
        width: parent.width
        contentHeight: list.implicitHeight
        interactive: contentHeight > height
        boundsBehavior: Flickable.StopAtBounds
        clip: true

        Column {
            id: list

            width: parent.width

            Repeater {
                model: steps.phases

                Column {
                    id: phaseColumn

                    required property var modelData
                    readonly property bool unfolded: modelData.state === "current"

                    width: steps.width

                    PhaseLine {
                        visible: !steps.narrow
                        phase: phaseColumn.modelData
                    }

                    Repeater {
                        model: phaseColumn.unfolded ? phaseColumn.modelData.steps : []

                        StepRow {
                            required property var modelData

                            step: modelData
                            onCurrentChanged: if (current)
                                view.currentRow = this
                            Component.onCompleted: if (current)
                                view.currentRow = this
                        }
                    }

                    Hairline {
                        visible: phaseColumn.unfolded && !steps.narrow
                        width: parent.width
                        height: 1
                    }
                }
            }
        }

        ScrollMark {
            view: view
        }
    }

    Hairline {
        id: bottomLine

        anchors.bottom: notDoneEdge.top
        width: parent.width
        height: 1
    }

    Edge {
        id: notDoneEdge

        anchors.bottom: parent.bottom
        iconName: "notDone"
        text: qsTr("No ejecutada…")
        onClicked: steps.notDone()
    }

    Hairline {
        anchors.right: parent.right
        width: 1
        height: parent.height
    }
}
