"""Tests of symloss."""
