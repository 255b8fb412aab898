"""The triggers that come with Gofer: each stands on the SDK alone."""
