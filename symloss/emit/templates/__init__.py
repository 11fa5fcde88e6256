"""Jinja templates of the generated files."""
