"""Who came in by a ticket lately: what a node tells a master that has started since."""

from __future__ import annotations

import pytest

from roomfleet.node.serving.doors import Doors
from roomfleet.wire.errors import TicketError
from roomfleet.wire.link import Accepted
from roomfleet.wire.tickets import LINE_TOKEN_SECONDS, SigningKey, Ticket

KEY = SigningKey.from_seed(bytes(32))
SECONDS = 15.0


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def ticket(player: str, signed: float, id: str) -> str:
    return KEY.sign(Ticket(sub=player, game="game", room="town", aud="b1", exp=signed + SECONDS, jti=id))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def doors(clock: Clock) -> Doors:
    made = Doors("game", "b1", SECONDS, clock)
    made.accepted(Accepted(keys={KEY.id: KEY.public}, master_key=KEY.id, origins=[]))
    return made


def test_who_came_in_is_told_with_the_time_of_the_ticket_as_long_as_line_tokens_live(
    doors: Doors, clock: Clock
) -> None:
    doors.take(ticket("ann", 995.0, "1"), "town")
    clock.now = 1_010.0
    doors.take(ticket("bob", 1_008.0, "2"), "town")
    assert doors.let_in() == {"ann": 995.0, "bob": 1_008.0}
    clock.now = 995.0 + LINE_TOKEN_SECONDS
    assert doors.let_in() == {"bob": 1_008.0}


def test_the_last_ticket_of_a_player_counts(doors: Doors, clock: Clock) -> None:
    doors.take(ticket("ann", 995.0, "1"), "town")
    clock.now = 1_010.0
    doors.take(ticket("ann", 1_008.0, "2"), "town")
    assert doors.let_in() == {"ann": 1_008.0}


def test_a_ticket_that_did_not_lead_in_lets_nobody_in(doors: Doors) -> None:
    taken = doors.take(ticket("ann", 995.0, "1"), "town")
    doors.give_back(taken)
    assert doors.let_in() == {}
    with pytest.raises(TicketError):
        doors.take(ticket("bob", 900.0, "2"), "town")
    assert doors.let_in() == {}
