"""Summaries as tables of text: a network layer by layer, several side by side."""
