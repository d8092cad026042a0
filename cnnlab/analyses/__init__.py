"""What a network has learned: one technique a file, from a model and images to arrays."""
