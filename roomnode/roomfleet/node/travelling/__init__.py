"""From room to room: seats elsewhere, players brought, travellers sent back, nudges."""
