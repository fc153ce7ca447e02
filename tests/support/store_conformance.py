"""What every adapter must do: subclass, give a fixture ``url`` of an empty store, and all of it runs on
yours.
"""

from __future__ import annotations

from support.store_conformance_erasing import ErasingConformance
from support.store_conformance_operations import OperationsConformance
from support.store_conformance_processes import ProcessesConformance
from support.store_conformance_protocol import ProtocolConformance


class StoreConformance(OperationsConformance, ProtocolConformance, ErasingConformance, ProcessesConformance):
    """All of it."""
