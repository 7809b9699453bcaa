pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Templates as T
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// Entrar: tiles with names, then the PIN on our own pad. Works without connection.
FocusScope {
    id: page

    required property AppController app
    readonly property SessionController session: app.session
    readonly property bool asking: (session.chosen.id ?? "") !== ""
    readonly property bool narrow: width < 900
    readonly property string locked: app.status.locked ?? ""
    readonly property bool enrolled: locked === "" && app.status.enrolled !== false

    FailureNote {
        id: failure

        x: Theme.margin
        y: Theme.margin
        width: parent.width - 2 * Theme.margin
        failure: page.session.failure
        // While enrolling, the way on is the form below.
        actionText: page.enrolled ? qsTr("Volver a leer") : ""
        onAction: page.session.load()
    }

    Flickable {
        id: scroller

        visible: !page.asking && page.enrolled
        anchors.top: failure.bottom
        anchors.bottom: languages.top
        width: parent.width
        clip: interactive
        contentHeight: tiles.y + tiles.implicitHeight + Theme.gap32
        interactive: contentHeight > height
        boundsBehavior: Flickable.StopAtBounds

        Column {
            id: tiles

            y: Theme.gap32
            anchors.horizontalCenter: parent.horizontalCenter
            width: Math.min(880, parent.width - 2 * Theme.margin)
            spacing: Theme.gap24

            Label {
                width: parent.width
                kind: Label.Value
                text: qsTr("¿Quién trabaja con este equipo?")
                wrapMode: Text.WordWrap
            }

            Grid {
                width: parent.width
                columns: page.narrow ? 1 : 2
                columnSpacing: Theme.gap24
                rowSpacing: Theme.gap24

                Repeater {
                    model: page.session.people

                    PersonTile {
                        required property var modelData

                        width: page.narrow ? tiles.width : (tiles.width - Theme.gap24) / 2
                        person: modelData
                        onClicked: page.session.choose(modelData.id)
                    }
                }
            }

            EmptyState {
                visible: page.enrolled && page.session.people.length === 0 && !page.session.busy && !failure.visible
                width: parent.width
                iconName: "crew"
                text: qsTr("Nadie puede entrar todavía")
                detail: qsTr("La oficina da de alta a las personas de este equipo. Llegan al inscribirlo o al sincronizar.")
            }
        }
    }

    Flickable {
        id: forms

        visible: !page.enrolled
        anchors.top: failure.bottom
        anchors.bottom: languages.top
        width: parent.width
        clip: interactive
        contentHeight: form.implicitHeight + 2 * Theme.gap32
        interactive: contentHeight > height
        boundsBehavior: Flickable.StopAtBounds

        Loader {
            id: form

            y: Theme.gap32
            anchors.horizontalCenter: parent.horizontalCenter
            width: Math.min(720, parent.width - 2 * Theme.margin)
            focus: !page.enrolled
            sourceComponent: page.locked !== "" ? passphraseForm : page.enrolled ? null : enrolForm
        }

        ScrollMark {
            view: forms
        }
    }

    Component {
        id: enrolForm

        EnrolForm {
            session: page.session
        }
    }

    Component {
        id: passphraseForm

        PassphraseForm {
            session: page.session
            fresh: page.locked === "new"
            least: page.app.status.passphraseLeast ?? 12
        }
    }

    LanguageTiles {
        id: languages

        visible: !page.asking
        anchors.bottom: parent.bottom
        anchors.bottomMargin: Theme.margin
        anchors.horizontalCenter: parent.horizontalCenter
        width: page.enrolled ? tiles.width : form.width
        options: page.app.languages
        current: page.app.language
        onChosen: key => page.app.setLanguage(key)
    }

    component PersonTile: T.AbstractButton {
        id: tile

        required property var person

        implicitHeight: Math.max(Theme.primary, words.implicitHeight + 32)
        text: person.name
        Accessible.name: text
        Keys.onReturnPressed: clicked()

        background: Rectangle {
            radius: Theme.cardRadius
            color: tile.down ? Theme.pressed : Theme.surface
            border.width: 2
            border.color: Theme.edge

            FocusRing {
                visible: tile.visualFocus
            }
        }

        contentItem: Item {
            Rectangle {
                x: 20
                anchors.verticalCenter: parent.verticalCenter
                width: 64
                height: 64
                radius: 32
                color: Theme.selection

                Label {
                    anchors.centerIn: parent
                    kind: Label.Title
                    text: tile.person.name.split(" ").slice(0, 2).map(word => word.charAt(0)).join("")
                }
            }

            Column {
                id: words

                x: 104
                anchors.verticalCenter: parent.verticalCenter
                width: parent.width - x - 56
                spacing: 3

                Label {
                    width: parent.width
                    kind: Label.Title
                    text: tile.person.name
                    wrapMode: Text.WordWrap
                }

                Label {
                    width: parent.width
                    color: Theme.muted
                    text: tile.person.role
                    wrapMode: Text.WordWrap
                }
            }

            Icon {
                anchors.right: parent.right
                anchors.rightMargin: 16
                anchors.verticalCenter: parent.verticalCenter
                name: tile.person.lockedSeconds > 0 ? "lock" : "next"
                size: 26
                color: tile.person.lockedSeconds > 0 ? Theme.attention : Theme.ink
            }
        }
    }

    FocusScope {
        id: pinPage

        visible: page.asking
        focus: page.asking
        anchors.fill: parent
        anchors.topMargin: failure.visible ? failure.height + Theme.gap24 : 0
        Keys.onEscapePressed: page.session.choose("")

        Column {
            id: words

            x: page.narrow ? Theme.margin : Math.max(Theme.margin, (parent.width - 944) / 2)
            y: page.narrow ? Theme.margin : (parent.height - height) / 2
            width: page.narrow ? parent.width - 2 * Theme.margin : 440
            spacing: Theme.gap16

            Label {
                width: parent.width
                kind: Label.Value
                text: page.session.chosen.name ?? ""
                wrapMode: Text.WordWrap
            }

            Label {
                width: parent.width
                kind: Label.Title
                font.weight: Font.Normal
                color: Theme.muted
                text: qsTr("Escriba su PIN de seis cifras o más.")
                wrapMode: Text.WordWrap
            }

            Row {
                height: 56
                spacing: Theme.gap16

                Repeater {
                    model: Math.max(6, pad.text.length)

                    Rectangle {
                        required property int index

                        anchors.verticalCenter: parent.verticalCenter
                        width: 24
                        height: 24
                        radius: 12
                        color: index < pad.text.length ? Theme.ink : "transparent"
                        border.width: 2
                        border.color: index < pad.text.length ? Theme.ink : Theme.edge
                    }
                }
            }

            Card {
                visible: page.session.lockedSeconds > 0 || page.session.attemptsLeft >= 0
                width: parent.width
                height: verdict.implicitHeight + 32
                tone: page.session.lockedSeconds > 0 ? "attention" : "wrong"

                Row {
                    id: verdict

                    x: 20
                    y: 16
                    width: parent.width - 40
                    spacing: Theme.gap12

                    Icon {
                        id: verdictIcon

                        name: page.session.lockedSeconds > 0 ? "lock" : "wrong"
                        size: 28
                        color: Theme.tone(page.session.lockedSeconds > 0 ? "attention" : "wrong")
                    }

                    Label {
                        width: parent.width - verdictIcon.width - Theme.gap12
                        kind: Label.Title
                        color: verdictIcon.color
                        text: page.verdictText()
                        wrapMode: Text.WordWrap
                    }
                }
            }

            ActionButton {
                width: Math.max(200, implicitWidth)
                text: qsTr("Otra persona")
                iconName: "back"
                iconSize: 24
                leftPadding: 12
                rightPadding: 12
                onClicked: page.session.choose("")
            }
        }

        NumberPad {
            id: pad

            x: page.narrow ? (parent.width - width) / 2 : words.x + 504
            y: page.narrow ? parent.height - height - Theme.gap32 : (parent.height - height) / 2
            width: Math.min(440, parent.width - 2 * Theme.margin)
            keyHeight: page.height < 640 ? 96 : 112
            gap: Theme.gap16
            focus: true
            enabled: page.session.lockedSeconds === 0
            opacity: enabled ? 1 : 0.45
            digits: 12
            lastIcon: "forward"
            lastText: qsTr("Entrar")
            lastEnabled: text.length >= 6
            onLastPressed: page.enter()
            Keys.onReturnPressed: page.enter()
            Keys.onEnterPressed: page.enter()
        }
    }

    Connections {
        target: page.session

        function onAttemptChanged(): void {
            pad.text = "";
        }

        function onChosenChanged(): void {
            pad.text = "";
        }
    }

    function enter(): void {
        if (pad.text.length >= 6)
            page.session.enter(pad.text);
    }

    function verdictText(): string {
        const seconds = page.session.lockedSeconds;
        if (seconds > 0)
            return qsTr("Demasiados intentos. Otra vez en %1.").arg(page.clock(seconds));
        return qsTr("El PIN no es ese. Quedan %n intentos.", "", page.session.attemptsLeft);
    }

    function clock(seconds: int): string {
        return Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0");
    }
}
