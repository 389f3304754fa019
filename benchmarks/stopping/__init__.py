"""Simulated loops of known value for judging decisions when to stop (`python -m benchmarks.stopping`)."""
