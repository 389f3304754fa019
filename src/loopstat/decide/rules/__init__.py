"""Rules that say while a session runs whether to stop: kinds, trials on recordings, guarantees, use in a live loop."""
