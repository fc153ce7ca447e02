"""What can go wrong for one who uses this client.

ClientError
├── BadAddress      the master's address is not one
├── WrongState      asked for something that this state does not allow
├── Refused         the master says no; `problem` says why
├── SessionEnded    the session has ended for good; `code` says why
└── CallError       a call was refused, or can never be answered; `code` says why
"""

from __future__ import annotations

from roomfleet.wire.joining import Problem
from roomfleet.wire.session import ByeCode

NOT_CONNECTED = "not-connected"
"""Code of a CallError: the call was never sent."""
DROPPED = "dropped"
"""Code of a CallError: the call was sent, and whether it was carried out is not known."""


class ClientError(Exception):
    """Base of all errors of `roomfleet.client`."""


class BadAddress(ClientError):
    """The master's address has to be `http://host[:port]` or `https://…`."""


class WrongState(ClientError):
    """Not possible in this state; the text says what to do first."""


class Refused(ClientError):
    """The master refused the join, or cannot be asked; it is not tried again."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.detail or problem.title} ({problem.status} {problem.refusal})")
        self.problem = problem


class SessionEnded(ClientError):
    """The session has ended for good. `join` again to come back."""

    def __init__(self, code: ByeCode, reason: str) -> None:
        super().__init__(f"{reason or 'the session has ended'} ({code})")
        self.code = code
        self.reason = reason


class CallError(ClientError):
    """A call failed. `code` is one of the node's error codes, or NOT_CONNECTED or DROPPED."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        self.message = message
