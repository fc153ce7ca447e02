"""The room node's shell: websockets, the control link, the save queue's loop.

node      what runs here is what the master desires
room      one room: claimed, live, saved, left
visits    players' comings and goings in it
players   who is in it, and the fan-out to them
saving    its write-behind
backlog   what is composed and not yet committed
asking    seats that its rooms want elsewhere
seats     seats from node to node, without a master
clock     its time, never beyond what a commit allowed
server    the players' websockets
link      the connection to the master
surroundings  what a room needs of its node
schedule  one heap of deadlines for all rooms
watchdog  catches what blocks the loop
limits    token buckets
"""
