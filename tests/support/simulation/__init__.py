"""A fleet around the master's core, on a simulated clock: everything that can happen to it, from one seed.

`Simulation` is one life, `Broken` what its oracle raises; `run.py` lives many (`make simulate`).
docs/simulation.md says what is simulated and how a seed is lived again.
"""

from support.simulation.oracle import Broken
from support.simulation.simulation import Simulation

__all__ = ["Broken", "Simulation"]
