"""What the triggers that fire by the clock have in common: which times are due, and who is told of them when."""
