"""Figures of the server over time: counted as things happen, kept in memory, so that asking costs next to nothing."""
