"""Fleets and their nodes, and which node a room goes to, stays on, or leaves."""
