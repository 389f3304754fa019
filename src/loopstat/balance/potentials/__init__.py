"""Potentials of states: by likelihood or least action, and one for several groups."""
