"""What is to be looked at and when: the room queue, timers, and what raised at work."""
