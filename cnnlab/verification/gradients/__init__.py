"""Two engines, one network: Keras and NumPy layer by layer, and finite differences beside both."""
