"""A convolution worked out on a few numbers: arrays, which other rooms put into words and pictures."""
