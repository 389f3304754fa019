"""Settings of the moves lens read off recordings."""
