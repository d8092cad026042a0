"""Sweeps: an experiment with many settings, the best of them by validation accuracy."""
