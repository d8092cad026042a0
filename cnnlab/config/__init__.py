"""An experiment as a config describes it: plain data → frozen, fully checked settings."""
