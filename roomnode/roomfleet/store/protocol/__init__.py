"""The save protocol (DESIGN 7), written once over the operations of `roomfleet.store.operations`. It has no
clock.
"""

from roomfleet.store.protocol.apply import Pause
from roomfleet.store.protocol.changes import Change, Committed, Create, Delete, HeldBy, Live, Save, Travel
from roomfleet.store.protocol.claim import Claimed, claim, vacate
from roomfleet.store.protocol.compose import BATCH_LIMIT
from roomfleet.store.protocol.erase import Erased, erase
from roomfleet.store.protocol.rounds import arrivals, check_epochs, sweep, where
from roomfleet.store.protocol.session import Session

__all__ = [
    "BATCH_LIMIT",
    "Change",
    "Claimed",
    "Committed",
    "Create",
    "Delete",
    "Erased",
    "HeldBy",
    "Live",
    "Pause",
    "Save",
    "Session",
    "Travel",
    "arrivals",
    "check_epochs",
    "claim",
    "erase",
    "sweep",
    "vacate",
    "where",
]
