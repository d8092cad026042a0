"""A network in numbers, without Keras: shapes, parameters, multiplications, memory, and their derivation."""
