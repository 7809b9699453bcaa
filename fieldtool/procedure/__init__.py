"""What a crew does for an order: typed steps from a file, and the engine that walks them, without a
screen."""
