import QtQuick
import QtQuick.Templates as T

// A list of rows: reached by Tab, walked by arrows, opened by Enter; `byKeyboard` tells rows to show which is current.
ListView {
    id: list

    property bool byKeyboard: false

    clip: true
    activeFocusOnTab: true
    boundsBehavior: Flickable.StopAtBounds
    // Rows beyond the edge would be made while time passes; a page that closes meanwhile breaks them off half made.
    cacheBuffer: 0

    onActiveFocusChanged: if (!activeFocus) byKeyboard = false
    Keys.onPressed: event => {
        if ([Qt.Key_Up, Qt.Key_Down].includes(event.key))
            list.byKeyboard = true;
        event.accepted = false;
    }
    // Tab is pressed where the focus was and released where it came to.
    Keys.onReleased: event => {
        if ([Qt.Key_Tab, Qt.Key_Backtab].includes(event.key))
            list.byKeyboard = true;
        event.accepted = false;
    }
    Keys.onReturnPressed: list.openCurrent()
    Keys.onEnterPressed: list.openCurrent()

    function openCurrent(): void {
        const row = list.currentItem as T.AbstractButton;
        if (row !== null && row.enabled)
            row.clicked();
    }
}
