"""The contract between client, node and master: messages, ops, motion, tickets, settings.

    session    a player's client and a room node
    joining    a player's client and the master
    link       a room node and the master
    codec      messages to JSON or MessagePack and back
    values     which values may go over the wire
    patch      applying ops to a client's copy
    motion     where something is along its timed path
    tickets    who may come in
    spec       Room.spec
    settings   the installation's settings
    names      players' names and actors' ids
    urls       the paths that all agree on
    errors     what can be wrong with any of it

Pure: no I/O and no clock. It imports nothing of Roomfleet's.
"""
