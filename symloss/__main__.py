"""``python -m symloss``."""

from symloss.cli import main

main()
