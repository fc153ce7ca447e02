"""The peer's world as a game: a hundred actors that run about and bounce off the walls."""
