"""Storms: a fleet of real processes, real players on real websockets, and faults by chance.

plan       what is done and when, from a seed alone; pure
game       the game that they play: all that it has can be counted
ledger     what the players were told, and what may have been lost of it; pure
chronicle  what happened, in order
players    what each player does
faults     what is done to the fleet
watch      what must hold at every moment
rest       how it must end
storm      one storm: the parts together
run        the command line
"""
