"""Secrets: values that runs use and nobody sees."""
