"""A Markov chain of states: its probabilities with intervals, where it rests, how fast, and what it passes."""
