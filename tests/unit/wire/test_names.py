"""What a player may be called, and which actor is whose."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomfleet.wire.names import BadName, player_actor, player_name, player_of


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ada", "Ada"),
        ("  Ada  ", "Ada"),
        ("Ada Lovelace", "Ada Lovelace"),
        ("Grüße", "Grüße"),
        (unicodedata.normalize("NFD", "Grüße"), "Grüße"),
        ("🐈", "🐈"),
        ("p:Ada", "p:Ada"),
        ("x" * 32, "x" * 32),
    ],
)
def test_a_name_is_trimmed_and_composed(text: str, name: str) -> None:
    assert player_name(text) == name


@pytest.mark.parametrize(
    "text", ["", "   ", "x" * 33, "a\nb", "a\x00b", "a\u200bb", "\u202eevil", "a\u00a0b"]
)
def test_a_name_that_is_empty_too_long_or_unprintable_is_refused(text: str) -> None:
    with pytest.raises(BadName, match="a player's name has"):
        player_name(text)


@given(st.text(max_size=40))
def test_a_taken_name_is_taken_again_as_it_is(text: str) -> None:
    try:
        name = player_name(text)
    except BadName:
        return
    assert player_name(name) == name


@given(st.text(min_size=1, max_size=32))
def test_a_players_actor_leads_back_to_the_player(player: str) -> None:
    assert player_of(player_actor(player)) == player


def test_an_npc_is_nobodys() -> None:
    assert player_of("town-3-1") is None
