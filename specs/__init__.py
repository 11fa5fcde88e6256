"""The losses of the guide, declared as mathematics."""
