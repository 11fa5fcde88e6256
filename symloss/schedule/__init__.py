"""Passes over the loop nest, one a file."""
