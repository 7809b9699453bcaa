import QtQuick
import QtQuick.Templates as T
import FieldTool.theme

// Several lines of text.
T.TextArea {
    id: box

    implicitHeight: 144
    implicitWidth: 320
    leftPadding: 20
    rightPadding: 20
    topPadding: 16
    bottomPadding: 16
    color: Theme.ink
    selectionColor: Theme.action
    selectedTextColor: Theme.actionInk
    selectByMouse: true
    wrapMode: TextEdit.Wrap
    font.family: Theme.family
    font.pixelSize: Theme.title
    Accessible.name: placeholderText
    // A remark holds no tabs: Tab leads on, as everywhere.
    Keys.priority: Keys.BeforeItem
    Keys.onTabPressed: box.nextItemInFocusChain(true).forceActiveFocus(Qt.TabFocusReason)
    Keys.onBacktabPressed: box.nextItemInFocusChain(false).forceActiveFocus(Qt.BacktabFocusReason)

    background: Rectangle {
        radius: Theme.radius
        color: Theme.surface
        border.width: box.activeFocus ? 3 : 2
        border.color: box.activeFocus ? Theme.action : Theme.edge

        Label {
            visible: box.length === 0 && box.preeditText === ""
            x: box.leftPadding
            y: box.topPadding
            width: box.width - 40
            kind: Label.Title
            font.weight: Font.Normal
            color: Theme.muted
            text: box.placeholderText
            wrapMode: Text.WordWrap
        }
    }
}
