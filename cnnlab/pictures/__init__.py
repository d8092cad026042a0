"""Pictures as values: results, networks, images, what was learned. Nothing here knows of files."""
