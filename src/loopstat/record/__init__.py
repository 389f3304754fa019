"""The record of loops under way: one SQLite file in a run directory, written step by step, read as a table."""
