"""Scripts of actors and rooms: stepped at ticks, called, timed, and what becomes of their failures."""
