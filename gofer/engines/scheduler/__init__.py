"""Schedulers: what runs the containers."""
