"""The drift lens: where the scores go, how fast, what trades off against what."""
