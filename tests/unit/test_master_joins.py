"""What the API decides about a join before the core hears of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from roomfleet.master.api.context import Context
from roomfleet.master.api.identity import Anonymous
from roomfleet.master.api.joins import Unwelcome, Wanted, party_of, place_in_line, wanted_room
from roomfleet.master.api.origins import Origins
from roomfleet.master.core import Core
from roomfleet.master.core import events as ev
from roomfleet.master.core.model import Key
from roomfleet.wire.joining import JoinBody
from roomfleet.wire.settings import Settings
from roomfleet.wire.tickets import LineToken, SigningKey, Ticket

KEY = SigningKey.from_seed(b"k" * 32)
TOWN = Wanted("town", None, None)


@pytest.fixture
def context() -> Context:
    settings = Settings()
    core = Core(settings, seed=1, now=1_000.0)
    return Context(
        runner=cast(Any, SimpleNamespace(core=core, key=KEY)),
        identity=Anonymous(),
        origins=Origins(),
        settings=settings,
        wall=lambda: 1_000.0,
    )


def test_a_join_for_a_game_that_the_master_does_not_know_yet_is_not_refused(context: Context) -> None:
    wanted_room(context, "walkabout", JoinBody(room="town"))
    context.runner.core.handle(ev.Synced(), 1_001.0)
    with pytest.raises(Unwelcome, match="there is no game 'walkabout'"):
        wanted_room(context, "walkabout", JoinBody(room="town"))


def test_a_wrong_game_is_told_a_few_of_those_that_there_are(context: Context) -> None:
    core = context.runner.core
    core.handle(ev.Synced(), 1_000.0)
    for number in range(9):
        key, fleet = Key(f"game-{number}", "default-0"), "default"
        core.handle(ev.NodeConnected(key, "b", fleet, 10, "ws://n", ()), 1_000.0)
    wanted_room(context, "game-8", JoinBody(room="town"))
    with pytest.raises(Unwelcome) as refused:
        wanted_room(context, "chess", JoinBody(room="town"))
    assert refused.value.problem.detail.endswith("there are: game-0, game-1, game-2, game-3, game-4, …")


def test_the_members_of_a_party_are_who_their_tokens_say(context: Context) -> None:
    assert party_of(context, "ann", ["bob", "cid"]) == ["bob", "cid"]


@pytest.mark.parametrize("party", [["ann"], ["bob", "bob"]])
def test_nobody_is_in_a_party_twice(context: Context, party: list[str]) -> None:
    with pytest.raises(Unwelcome, match="twice") as refused:
        party_of(context, "ann", party)
    assert refused.value.problem.status == 400


def test_a_member_whose_token_names_nobody_is_refused_by_number(context: Context) -> None:
    with pytest.raises(Unwelcome, match="token 2 of the party") as refused:
        party_of(context, "ann", ["bob", "x" * 99])
    assert refused.value.problem.status == 401


def test_a_party_beyond_reason_is_refused_unread(context: Context) -> None:
    with pytest.raises(Unwelcome, match="999 other members at most"):
        party_of(context, "ann", [f"p{number}" for number in range(1_000)])


def token(**claims: Any) -> LineToken:
    """Of ann's place in the line of town."""
    given = {"sub": "ann", "game": "walkabout", "room": "town", "exp": 1_050.0, "jti": "j", "arrived": 990.0}
    return LineToken(**{**given, **claims})


def test_a_line_token_gives_its_players_place_back(context: Context) -> None:
    assert place_in_line(context, "walkabout", "ann", TOWN, KEY.sign(token())) == token()
    assert place_in_line(context, "walkabout", "ann", Wanted(None, None, None), KEY.sign(token())) == token()


@pytest.mark.parametrize(
    "claims",
    [{"sub": "bob"}, {"game": "chess"}, {"room": "cave"}, {"exp": 1_000.0}, {"aud": "boot"}],
    ids=lambda claims: next(iter(claims)),
)
def test_one_of_another_player_game_room_or_time_gives_none(context: Context, claims: dict[str, Any]) -> None:
    assert place_in_line(context, "walkabout", "ann", TOWN, KEY.sign(token(**claims))) is None


def test_nor_does_one_that_others_signed_or_that_is_another_thing(context: Context) -> None:
    forged = SigningKey.from_seed(b"f" * 32).sign(token())
    header, claims, signature = KEY.sign(token()).split(".")
    mixed = ".".join((header, claims, KEY.sign(token(arrived=1.0)).split(".")[2]))
    unsigned = f"eyJhbGciOiJub25lIn0.{claims}."
    ticket = KEY.sign(Ticket(sub="ann", game="walkabout", room="town", aud="b", exp=1_050.0, jti="j"))
    for text in (forged, mixed, unsigned, ticket, f"{header}.{claims}.{signature[:-4]}AAAA", "", "a.b.c"):
        assert place_in_line(context, "walkabout", "ann", TOWN, text) is None
