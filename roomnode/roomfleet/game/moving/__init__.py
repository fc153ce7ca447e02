"""Actors on their way: walks within a room, journeys to another one, arrivals from there."""
