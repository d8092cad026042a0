"""What generated sets are drawn with."""
