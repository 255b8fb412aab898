"""What can be found out about a machine and a data folder, by a server about itself or while none answers."""
