"""An example of a plug-in for cnnlab: one layer, one dataset, one technique."""
