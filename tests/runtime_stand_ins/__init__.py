"""Modules written by hand in the form of generated ones, with losses so simple that NumPy can check them."""
