"""What datasets there are: one file a source."""
