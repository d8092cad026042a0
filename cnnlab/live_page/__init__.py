"""A page on which one draws, and sees every layer of a trained network answer."""
