"""What a room looks like before anybody is in it: map files, doors and tags, ways between obstacles."""
