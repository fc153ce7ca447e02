"""`make up` in a terminal: Ctrl-C saves, and make itself ends well."""

from __future__ import annotations

import os
import pty
import select
import shutil
import time
from pathlib import Path

import pytest

from support.running import REPOSITORY


def in_terminal(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run it in a terminal of its own; Ctrl-C as soon as it can be played. Exit code and what was shown."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvpe(command[0], command, {**os.environ, **environment})
    shown, interrupted, deadline = b"", False, time.monotonic() + 60
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            some = os.read(terminal, 4096)
        except OSError:  # how Linux says that the other end is closed
            break
        if not some:
            break
        shown += some
        if b"play:" in shown and not interrupted:
            os.write(terminal, b"\x03")
            interrupted = True
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode()


@pytest.mark.skipif(
    not (REPOSITORY / ".venv" / "installed").exists() or shutil.which("make") is None,
    reason="needs make, and the virtual environment that `make up` makes",
)
def test_ctrl_c_in_a_terminal_saves_and_make_exits_with_0(tmp_path: Path) -> None:
    environment = {"PORT": "0", "DATA": str(tmp_path / "data")}
    code, shown = in_terminal(["make", "up"], REPOSITORY, environment)
    assert "saved; bye" in shown
    assert "Interrupt" not in shown
    assert code == 0
