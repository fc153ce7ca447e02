"""Who is at a room: players in it, cut off or on the way in, and those who watch."""
