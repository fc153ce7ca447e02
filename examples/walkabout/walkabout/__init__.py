"""Walkabout, Roomfleet's sample game: a town, a meadow, and a gate between them."""
