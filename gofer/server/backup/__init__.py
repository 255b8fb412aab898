"""Backups: made while the server goes on, put back while it does not run."""
