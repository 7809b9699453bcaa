"""Every control in every state and every page with preview data: `python -m ui.gallery`."""
