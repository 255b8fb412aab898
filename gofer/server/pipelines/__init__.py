"""Pipelines: their manifests decoded, validated, drawn and registered."""
