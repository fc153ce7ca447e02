"""What holds for every test: an ERROR in the log that the test did not expect fails it."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

pytest_plugins = ["support.kube_plugin"]

# Whoever starts tests in the background has them ignore SIGINT, and children inherit that: tests that send it
# to their own children mean it to be heard.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Machines are noisy: no example is judged by how long it took.
settings.register_profile("roomfleet", deadline=None)
settings.load_profile("roomfleet")


class ExpectedErrors:
    """Parts of ERROR messages that this test provokes on purpose."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def __call__(self, part: str) -> None:
        self.parts.append(part)


@pytest.fixture
def expect_error_log() -> ExpectedErrors:
    """Call it with a part of each ERROR message that is to be expected."""
    return ExpectedErrors()


@pytest.fixture(autouse=True)
def _no_unexpected_errors(
    caplog: pytest.LogCaptureFixture, expect_error_log: ExpectedErrors
) -> Iterator[None]:
    yield
    records = [record for phase in ("setup", "call") for record in caplog.get_records(phase)]
    unexpected = [
        record.getMessage()
        for record in records
        if record.levelno >= logging.ERROR
        and not any(part in record.getMessage() for part in expect_error_log.parts)
    ]
    assert not unexpected, f"unexpected ERROR in the log: {unexpected}"
    for part in expect_error_log.parts:
        assert any(part in record.getMessage() for record in records), f"no ERROR said {part!r}"
