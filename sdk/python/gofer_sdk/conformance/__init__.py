"""Tries any trigger, in any language, against docs/trigger-protocol.md: `gofer trigger check`."""
