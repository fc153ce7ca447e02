"""Actors and rooms as saved bodies, and what is unsaved and belongs together."""
