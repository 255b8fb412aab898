"""Following a run: what is known of it, its logs, and three ways to show both."""
