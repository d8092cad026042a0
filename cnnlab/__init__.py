"""cnnlab: DNN or CNN, and why? Experiments with small image networks, described in YAML."""

__version__ = "0.1.0"
