pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.theme

// Every control in every state, on two sheets.
Window {
    id: window

    property int sheet: 1
    property bool dark: false

    width: 1280
    height: 800
    visible: true
    color: Theme.ground

    Binding {
        target: Theme
        property: "dark"
        value: window.dark
    }

    Binding {
        target: Theme
        property: "reducedMotion"
        value: true
    }

    SaidSheet {
        visible: window.sheet === 1
        anchors.fill: parent
        anchors.margins: 24
    }

    EnteredSheet {
        visible: window.sheet === 2
        anchors.fill: parent
        anchors.margins: 24
    }
}
