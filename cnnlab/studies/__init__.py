"""What needs many runs."""
