pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// The evidence of an exception or an order, planned beside done, and what may be decided.
FocusScope {
    id: view

    required property OfficeController office
    readonly property var evidence: office.case
    readonly property bool open: evidence.id !== undefined
    readonly property bool sideBySide: width >= 560
    readonly property bool fresh: evidence.fresh ?? true

    Flickable {
        id: scroller

        anchors.top: parent.top
        anchors.bottom: foot.top
        width: parent.width
        contentHeight: sheet.implicitHeight + Theme.gap24
        boundsBehavior: Flickable.StopAtBounds
        interactive: contentHeight > height
        clip: true

        Column {
            id: sheet

            visible: view.open
            y: Theme.gap16
            width: parent.width - Theme.gap12
            spacing: Theme.gap12

            StaleNote {
                width: parent.width
                fresh: view.evidence.fresh ?? true
                at: view.evidence.at ?? ""
            }

            FailureNote {
                width: parent.width
                failure: view.office.failure
            }

            Card {
                width: parent.width
                height: headWords.implicitHeight + 32
                tone: view.evidence.tone ?? ""

                Icon {
                    x: 20
                    y: 18
                    name: view.evidence.icon ?? ""
                    size: 32
                    color: Theme.tone(view.evidence.tone ?? "")
                }

                Column {
                    id: headWords

                    x: 68
                    y: 16
                    width: parent.width - x - 20
                    spacing: 3

                    Label {
                        width: parent.width
                        kind: Label.Title
                        color: Theme.tone(view.evidence.tone ?? "")
                        text: view.evidence.title ?? ""
                        wrapMode: Text.WordWrap
                    }

                    Label {
                        width: parent.width
                        text: view.evidence.detail ?? ""
                        wrapMode: Text.WordWrap
                    }
                }
            }

            FactStrip {
                visible: (view.evidence.what ?? []).length > 0
                width: parent.width
                facts: view.evidence.what ?? []
            }

            Grid {
                id: sides

                width: parent.width
                columns: view.sideBySide ? 2 : 1
                spacing: Theme.gap12

                Repeater {
                    model: [
                        {
                            "title": qsTr("Lo que pidió la oficina"),
                            "facts": view.evidence.office ?? []
                        },
                        {
                            "title": qsTr("Lo que hizo la cuadrilla"),
                            "facts": view.evidence.crew ?? []
                        }
                    ]

                    EvidenceCard {
                        required property var modelData

                        width: (sides.width - (sides.columns - 1) * Theme.gap12) / sides.columns
                        height: Math.max(implicitHeight, sides.columns === 2 ? sides.tallest() : 0)
                        title: modelData.title
                        facts: modelData.facts
                    }
                }

                function tallest(): real {
                    let most = 0;
                    for (const child of sides.children)
                        most = Math.max(most, child.implicitHeight ?? 0);
                    return most;
                }
            }

            Flow {
                visible: (view.evidence.photos ?? []).length > 0
                width: parent.width
                spacing: Theme.gap12

                Repeater {
                    model: view.evidence.photos ?? []

                    ActionButton {
                        required property var modelData

                        height: 56
                        iconSize: 22
                        iconName: modelData.recording ? "records" : modelData.document ? "record" : "photos"
                        text: modelData.label
                        enabled: !view.office.busy
                        onClicked: view.office.openPhoto(modelData.key)
                    }
                }
            }
        }

        ScrollMark {
            view: scroller
        }
    }

    Item {
        id: foot

        visible: view.open && (view.evidence.decisions ?? []).length > 0
        anchors.bottom: parent.bottom
        width: parent.width
        height: visible ? Theme.target + Theme.gap12 + Theme.gap16 : 0

        Row {
            id: decisions

            y: Theme.gap12
            width: parent.width - Theme.gap12
            spacing: Theme.gap12

            Repeater {
                model: view.evidence.decisions ?? []

                ActionButton {
                    required property var modelData
                    required property int index

                    width: (decisions.width - (view.evidence.decisions.length - 1) * Theme.gap12) / view.evidence.decisions.length
                    height: Theme.target
                    leftPadding: Theme.gap8
                    rightPadding: Theme.gap8
                    kind: index === 0 ? "primary" : "secondary"
                    iconName: modelData.icon
                    text: modelData.title
                    enabled: view.fresh && !view.office.busy
                    note: view.fresh ? "" : qsTr("con conexión")
                    onClicked: dialog.ask(modelData)
                }
            }
        }
    }

    DialogPage {
        id: dialog

        property var choice: ({})
        readonly property bool reasonMissing: choice.needsNote === true && words.text.trim() === ""

        title: choice.title ?? ""
        text: choice.detail ?? ""
        iconName: choice.icon ?? "info"
        tone: choice.tone ?? ""
        primaryText: choice.title ?? ""
        primaryEnabled: !reasonMissing && !view.office.busy
        onPrimary: view.office.decide(dialog.choice.key, words.text.trim())

        function ask(choice: var): void {
            dialog.choice = choice;
            words.text = "";
            dialog.open();
        }

        Flow {
            visible: (view.evidence.reasons ?? []).length > 0
            width: parent.width
            spacing: Theme.gap8

            Repeater {
                model: view.evidence.reasons ?? []

                ActionButton {
                    required property string modelData

                    height: 64
                    iconSize: 20
                    iconName: words.text === modelData ? "check" : "plus"
                    text: modelData
                    onClicked: words.text = modelData
                }
            }
        }

        TextBox {
            id: words

            width: parent.width
            height: 112
            placeholderText: dialog.choice.needsNote === true ? qsTr("Motivo (hace falta)") : qsTr("Motivo")
        }
    }

    EmptyState {
        visible: !view.open && !view.office.busy
        anchors.centerIn: parent
        width: Math.min(480, parent.width - 48)
        iconName: "review"
        text: qsTr("Elija una de la lista")
        detail: qsTr("Aquí se ve lo pedido junto a lo hecho.")
    }

    // The photo over everything, closed by a tap anywhere or by Escape.
    Rectangle {
        id: photo

        visible: view.office.photo !== ""
        anchors.fill: parent
        color: Theme.photoGround
        radius: Theme.cardRadius
        focus: visible
        Keys.onEscapePressed: view.office.closePhoto()

        // A photo is fitted; pages of a document fill the width and are scrolled.
        Flickable {
            id: pages

            anchors.fill: parent
            anchors.margins: Theme.gap12
            contentHeight: picture.height
            boundsBehavior: Flickable.StopAtBounds
            clip: true

            Image {
                id: picture

                readonly property real tall: implicitWidth > 0 ? implicitHeight / implicitWidth : 0

                width: pages.width
                height: tall > 1.3 ? width * tall : pages.height
                source: view.office.photo
                fillMode: Image.PreserveAspectFit
                asynchronous: true
            }
        }

        ActionButton {
            anchors.right: parent.right
            anchors.top: parent.top
            anchors.margins: Theme.gap12
            text: qsTr("Cerrar")
            iconName: "cross"
            onClicked: view.office.closePhoto()
        }
    }
}
