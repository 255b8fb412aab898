"""The common tasks and notifiers that come with Gofer: each a program that is told everything by its environment."""
