"""Telling people that a run has ended."""
