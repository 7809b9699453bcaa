pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme
import FieldTool.controls
import FieldTool.crew.steps

// The foot of a step: *Atrás* (or *Cancelar* while the meter is written), extras, the primary action, what is saved.
Item {
    id: foot

    property StepBody body: null
    property bool canBack: true
    property bool busy: false
    property string savedAt: ""
    property string cancelTitle: ""
    property string cancelDetail: ""

    readonly property bool cancelling: cancelTitle !== ""
    readonly property bool tight: width < 760

    signal back
    signal cancel

    implicitHeight: Theme.primary + 42

    Row {
        id: others

        spacing: foot.tight ? Theme.gap12 : Theme.gap24

        ActionButton {
            visible: !foot.cancelling
            width: foot.tight ? 112 : 152
            height: Theme.primary
            enabled: foot.canBack
            text: qsTr("Atrás")
            iconName: "back"
            iconSize: 24
            leftPadding: 8
            rightPadding: 8
            onClicked: foot.back()
        }

        ActionButton {
            visible: foot.cancelling
            width: foot.tight ? 184 : 200
            height: Theme.primary
            text: qsTr("Cancelar")
            iconName: "cross"
            onClicked: foot.cancel()
        }

        Repeater {
            model: foot.body === null || foot.cancelling ? [] : foot.body.allExtras

            ActionButton {
                required property var modelData

                height: Theme.primary
                width: foot.tight ? Math.min(implicitWidth, 184) : implicitWidth
                leftPadding: foot.tight ? 12 : Theme.gap24
                rightPadding: leftPadding
                text: modelData.text
                iconName: modelData.icon ?? ""
                enabled: modelData.enabled ?? true
                onClicked: modelData.key === "otherwise" ? foot.body.openSheet("otherwise") : foot.body.extra(modelData.key)
            }
        }
    }

    Row {
        visible: foot.cancelling && width > 150
        x: others.x + others.width + Theme.gap24
        height: Theme.primary
        width: primary.x - x - Theme.gap12
        spacing: Theme.gap12

        Icon {
            anchors.verticalCenter: parent.verticalCenter
            name: "safe"
            size: 28
            color: Theme.good
        }

        Column {
            anchors.verticalCenter: parent.verticalCenter
            width: parent.width - 40

            Label {
                width: parent.width
                font.weight: Font.Medium
                text: foot.cancelTitle
                wrapMode: Text.WordWrap
            }

            Label {
                width: parent.width
                color: Theme.muted
                text: foot.cancelDetail
                wrapMode: Text.WordWrap
            }
        }
    }

    ActionButton {
        id: primary

        visible: foot.body !== null && foot.body.primaryText !== ""
        anchors.right: parent.right
        width: Math.min(foot.cancelling ? 400 : 416, Math.max(168, parent.width - others.width - Theme.gap24))
        height: Theme.primary
        kind: "primary"
        text: foot.body === null ? "" : foot.body.primaryText
        iconName: !enabled && !foot.busy ? "lock" : foot.body === null ? "" : foot.body.primaryIcon
        iconAfter: iconName === "forward"
        note: enabled || foot.body === null ? "" : foot.body.primaryNote
        enabled: foot.body !== null && foot.body.primaryReady
        onClicked: foot.body.accept()
    }

    SavedNote {
        anchors.right: parent.right
        y: Theme.primary + 9
        time: foot.savedAt
    }
}
