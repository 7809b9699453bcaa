"""The real tablet behind the screens: `fieldtool.tablet.Tablet` as a `ui.backend.Backend`."""
