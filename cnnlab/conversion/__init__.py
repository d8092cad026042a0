"""A finished run → a file for other runtimes, and what that file answers."""
