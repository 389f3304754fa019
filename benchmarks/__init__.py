"""Speed beside peers (`python -m benchmarks`) and simulated validation (`python -m benchmarks.validate`)."""
