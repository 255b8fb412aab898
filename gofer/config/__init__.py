"""Every setting once: its name, type, default and help. Nothing is read or imported until something is asked for."""
