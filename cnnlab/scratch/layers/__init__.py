"""The layers of a config, by hand: one file for each family, as in `cnnlab.layers`."""
