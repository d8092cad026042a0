"""A network by hand, in NumPy alone: forwards, backwards and the optimizer's step.

The functions on arrays come first (`loops`, `im2col`, `convolution`, …); `layers/` gives those of a config
the same arithmetic, and `network.py` chains them. Nothing here imports Keras.
"""
