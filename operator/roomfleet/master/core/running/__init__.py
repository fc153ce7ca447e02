"""What becomes of a Room: its object, what should be against what is, its status, what is left over."""
