"""The master's pure core: `Core` takes events and a time and returns effects (DESIGN 5)."""

from roomfleet.master.core.master import Core
from roomfleet.master.core.model import Key
from roomfleet.master.core.queueing.queue import QueueHealth
from roomfleet.master.core.views import JoinView, NodeView, RoomView

__all__ = ["Core", "JoinView", "Key", "NodeView", "QueueHealth", "RoomView"]
