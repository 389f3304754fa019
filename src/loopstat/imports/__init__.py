"""Logs of other tools made tables: what a step is in them, what they kept of what was tried, and the table."""
