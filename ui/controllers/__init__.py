"""Controllers: what QML sees of the program. Thin; they pass on, they do not decide."""
