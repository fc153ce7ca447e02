"""What a room changed on its way to the store, and the sweep of what lost its room."""
