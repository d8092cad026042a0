"""Runs that others have trained and handed in: found, unpacked and checked, none of them trusted."""
