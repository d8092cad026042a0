"""Pictures of networks: volumes to scale, kernels, branches; without Graphviz."""
