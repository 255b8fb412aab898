"""What every part of Gofer that keeps an SQLite file of its own needs: one process at a time, and what faults mean."""
