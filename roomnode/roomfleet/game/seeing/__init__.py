"""Who sees whom from how far, and what each viewer of a room is told."""
