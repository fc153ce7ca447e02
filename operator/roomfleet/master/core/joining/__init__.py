"""From a player's wish to get in to a seat: lines, tokens, admission, bringing."""
