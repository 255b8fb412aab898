"""Implementations of the pluggable parts. An engine never imports another engine, nor the server."""
