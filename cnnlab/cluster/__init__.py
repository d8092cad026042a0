"""Runs on many machines, which Ray hands out; their folders are written here."""
