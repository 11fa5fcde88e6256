"""Printers and templates: from what is computed to text."""
