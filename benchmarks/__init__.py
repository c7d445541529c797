"""Measurements. Each prints one JSON object: `python -m benchmarks NAME --json`."""
