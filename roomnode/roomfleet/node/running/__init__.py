"""A room's life on the node: prepared, claimed, given time, led to its end."""
