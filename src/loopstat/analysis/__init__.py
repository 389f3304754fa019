"""One analysis of recorded loops: when to stop, where they go, how fast, what trades off against what."""
