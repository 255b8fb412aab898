"""Gofer: runs short-lived container jobs as pipelines."""

__version__ = "0.1.0"
