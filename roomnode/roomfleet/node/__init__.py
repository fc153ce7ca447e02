"""The room node's shell: websockets, the control link, the save queue's loop.

node        the parts wired together, and who hears what of the master's word
options     what a node is started with
running     a room's life here: prepared, claimed, given time, ended
saving      its changes on their way to the store; what lost its room
visiting    who is at a room: players and those who watch
serving     the clients' sockets, and the fan-out to them
linking     the connection to the master, and leaving in good order
travelling  from room to room: seats, bringing, sending back, nudges
measuring   load, counts, metrics, the watchdog
mapsource   where the maps come from
"""
