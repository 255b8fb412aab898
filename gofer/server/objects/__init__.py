"""Objects: bytes by name, kept for pipelines and runs."""
