"""Arrays of the analyses → matplotlib figures, which know nothing of files, models or data sets."""
