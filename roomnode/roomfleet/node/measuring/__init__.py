"""How the node is doing: load, counts, metrics, and a watch on what blocks it."""
