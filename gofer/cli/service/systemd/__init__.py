"""Gofer as a service of systemd: the units and what belongs to them, and how they are laid down and removed again.

The data files here are the only copies; the Debian package takes them from here too.
"""
