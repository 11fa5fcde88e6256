"""From the planned kernel to text."""
