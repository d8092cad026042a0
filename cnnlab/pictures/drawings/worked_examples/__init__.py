"""The worked examples of `cnnlab.scratch.worked_examples`, drawn with every number."""
