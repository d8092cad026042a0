"""Any Keras model as a network: Keras's own serialised config → the graph that everything else walks."""
