"""Losses over recurrences: from the declared equation to loops over fronts, and the derived adjoint."""
