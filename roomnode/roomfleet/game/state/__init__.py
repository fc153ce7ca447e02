"""State of actors and rooms: dicts, lists, inventories and items, and each change as a small diff."""
