"""Ctrl-C for this process alone, when make stands between it and the terminal.

A terminal sends Ctrl-C to its whole foreground group. make would end with an error whatever the fleet does;
so the fleet takes the foreground with a group of its own, saves, and lets make see how it ended.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping

VARIABLE = "ROOMFLEET_TAKE_TERMINAL"


def take_terminal(environment: Mapping[str, str]) -> None:
    """Become the terminal's foreground group, if asked for by the environment and there is a terminal.

    Ctrl-Z does nothing from then on: the shell, which waits for make, would not notice it.
    """
    if environment.get(VARIABLE) != "1" or not sys.stdin.isatty():
        return
    terminal = sys.stdin.fileno()
    if os.tcgetpgrp(terminal) != os.getpgrp():
        return  # in the background: the terminal is somebody else's
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.setpgid(0, 0)
    os.tcsetpgrp(terminal, os.getpgrp())
    signal.signal(signal.SIGTTOU, before)
