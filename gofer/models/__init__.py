"""What things are: the types that the store keeps, the API speaks and the command line prints.

Times are integers: milliseconds since the Unix epoch, UTC. Durations are integers in milliseconds and sizes integers
in bytes, except in a manifest, where both are text as their author wrote them (`"10m"`, `"512MB"`).
"""
