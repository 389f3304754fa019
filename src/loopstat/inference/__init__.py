"""How sure: clusters, resampling, intervals, tests."""
