"""What the figures of docs/benchmarks.md come from. `python -m benchmarks --help` lists them."""
