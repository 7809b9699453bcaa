"""The wiring of a meter judged by what it measures itself: pure, on values that were read already."""
