"""The master's end of things: the link to it, whose node this is, and leaving in good order."""
