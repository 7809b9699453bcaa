pragma ComponentBehavior: Bound
import QtQuick
import FieldTool.Core
import FieldTool.theme
import FieldTool.controls

// Lines to confirm one by one; a line that needs a photo opens the camera and is ticked by the photo.
Column {
    id: tiles

    required property ProcedureController procedure
    required property var checks
    property var ticked: checks.filter(check => check.checked).map(check => check.key)
    readonly property int open: checks.filter(check => !tiles.holds(check)).length
    readonly property var values: {
        const result = {};
        for (const check of checks)
            result[check.key] = tiles.holds(check);
        return result;
    }

    spacing: Theme.gap12

    function holds(check: var): bool {
        return tiles.ticked.includes(check.key) && (!check.needsPhoto || check.photoTaken);
    }

    Repeater {
        model: tiles.checks

        ChoiceTile {
            id: tile

            required property var modelData

            width: tiles.width
            text: modelData.text
            detail: modelData.measured || (modelData.needsPhoto && !modelData.photoTaken ? qsTr("con foto") : "")
            detailTone: modelData.measuredTone
            iconName: chosen ? "" : modelData.needsPhoto && !modelData.photoTaken ? "camera" : "circle"
            chosen: tiles.holds(modelData)
            Accessible.role: Accessible.CheckBox
            onClicked: {
                const key = modelData.key;
                if (tiles.ticked.includes(key) && chosen)
                    tiles.ticked = tiles.ticked.filter(one => one !== key);
                else
                    tiles.ticked = tiles.ticked.concat([key]);
                if (modelData.needsPhoto && !modelData.photoTaken)
                    tiles.procedure.act("photo", {
                        "what": key
                    });
            }
        }
    }
}
