"""Triggers: programs that dial in and tell of events, for which runs are started."""
