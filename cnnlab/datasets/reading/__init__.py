"""Files to NumPy arrays: formats, archives, downloads, the cache."""
