"""The way of a run: start, queue, supervise, task, cancel, retry, recover."""
