pragma Singleton
import QtQuick

// The only source of colours, sizes and fonts. Every text colour keeps 7:1 on its ground.
QtObject {
    id: theme

    // ── Mode ────────────────────────────────────────────────────────────────
    property bool dark: false
    property bool training: false
    property bool reducedMotion: false

    // ── Ground and ink ──────────────────────────────────────────────────────
    readonly property color ground: dark ? "#0C141C" : "#EEF2F5"
    readonly property color surface: dark ? "#16222D" : "#FFFFFF"
    readonly property color ink: dark ? "#F1F5F8" : "#0E1C28"
    readonly property color muted: dark ? "#AEBBC6" : "#3D4B56"
    readonly property color line: dark ? "#33434F" : "#C3CDD5"
    readonly property color edge: dark ? "#7C8E9B" : "#6B7A86"
    readonly property color action: dark ? "#7FB6FF" : "#0A4F96"
    readonly property color actionInk: dark ? "#06203D" : "#FFFFFF"
    readonly property color actionPressed: dark ? "#A5CCFF" : "#073B71"
    readonly property color pressed: dark ? "#22313D" : "#E3E9EE"
    readonly property color idle: dark ? "#111B24" : "#F6F8FA"
    readonly property color scrim: dark ? "#B3000000" : "#990E1C28"

    // ── Meaning: always with an icon and a word ─────────────────────────────
    readonly property color good: dark ? "#6FD69B" : "#08552D"
    readonly property color attention: dark ? "#FFC46B" : "#6F3C00"
    readonly property color wrong: dark ? "#FF9A92" : "#8E1212"
    readonly property color trainingInk: dark ? "#C9A8FF" : "#5B2A9D"
    readonly property color goodTint: dark ? "#12342A" : "#E3F2E9"
    readonly property color attentionTint: dark ? "#3A2C12" : "#FFF0D6"
    readonly property color wrongTint: dark ? "#402024" : "#FDE7E5"
    readonly property color trainingTint: dark ? "#2C2145" : "#F0E8FB"
    readonly property color selection: dark ? "#172B42" : "#E4EEF8"
    readonly property color meaningInk: dark ? "#0C141C" : "#FFFFFF"

    // ── On pictures, which are neither light nor dark ───────────────────────
    readonly property color photoGround: "#10161C"
    readonly property color photoInk: "#F1F5F8"
    readonly property color photoDark: "#0E1C28"
    readonly property color photoGood: "#6FD69B"
    readonly property color photoGoodFill: "#08552D"
    readonly property color photoAttention: "#FFC46B"
    readonly property color photoWrong: "#FF9A92"

    // ── Space ───────────────────────────────────────────────────────────────
    readonly property int gap4: 4
    readonly property int gap8: 8
    readonly property int gap12: 12
    readonly property int gap16: 16
    readonly property int gap24: 24
    readonly property int gap32: 32
    readonly property int margin: 24
    readonly property int radius: 8
    readonly property int cardRadius: 12

    // ── Touch: 19 mm and 15 mm on a 10.1" tablet at 150 % ───────────────────
    readonly property int primary: 112
    readonly property int target: 88
    readonly property int row: 88

    // ── Frame ───────────────────────────────────────────────────────────────
    readonly property int strip: 64
    readonly property int rail: 112
    readonly property int steps: 304
    readonly property int narrowBelow: 1000

    // ── Type ────────────────────────────────────────────────────────────────
    readonly property string family: "Inter"
    readonly property string iconFamily: "lucide"
    readonly property int caption: 14
    readonly property int body: 16
    readonly property int title: 20
    readonly property int value: 28
    readonly property int verdict: 40
    // tnum: figures of one width; zero: slashed nought; ss01: open figures.
    readonly property var figures: ({
            "tnum": 1
        })
    readonly property var serialFigures: ({
            "tnum": 1,
            "zero": 1,
            "ss01": 1
        })

    // ── Motion ──────────────────────────────────────────────────────────────
    readonly property int quick: reducedMotion ? 0 : 120
    readonly property int slow: reducedMotion ? 0 : 200

    function tone(name: string): color {
        switch (name) {
        case "good":
            return good;
        case "attention":
            return attention;
        case "wrong":
            return wrong;
        case "training":
            return trainingInk;
        case "action":
            return action;
        case "muted":
            return muted;
        }
        return ink;
    }

    function tint(name: string): color {
        switch (name) {
        case "good":
            return goodTint;
        case "attention":
            return attentionTint;
        case "wrong":
            return wrongTint;
        case "training":
            return trainingTint;
        case "action":
            return selection;
        }
        return surface;
    }

    function toneIcon(name: string): string {
        switch (name) {
        case "good":
            return "good";
        case "attention":
            return "attention";
        case "wrong":
            return "wrong";
        case "training":
            return "training";
        }
        return "info";
    }
}
