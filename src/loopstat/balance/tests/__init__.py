"""Tests of what kind of chain was recorded: reversal in time, order, sameness; and how they draw."""
