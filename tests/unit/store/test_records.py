"""Records survive their plain and their encoded form."""

from __future__ import annotations

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from roomfleet.store.records import (
    Op,
    Presence,
    Transit,
    actor_from_plain,
    actor_to_plain,
    decode_ops,
    doc_id,
    encode,
    game_of,
    name_of,
    op_from_plain,
    op_to_plain,
    record_of,
)

names = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=8)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
bodies = st.dictionaries(st.text(max_size=5), values, max_size=4)
transits = st.none() | st.builds(Transit, names, names, bodies)
ops = st.builds(
    Op,
    id=st.builds(doc_id, names, names),
    v=st.integers(1, 2**50),
    room=names,
    body=bodies.map(lambda body: msgspec.Raw(encode(body))),
    presence=st.sampled_from(Presence),
    transit=transits,
    token=st.text(max_size=5),
    create=st.booleans(),
)


@given(st.lists(ops, max_size=4))
def test_a_journal_survives_encoding(journal: list[Op]) -> None:
    assert decode_ops(encode(journal)) == tuple(journal)


@given(ops)
def test_an_op_survives_its_plain_form(op: Op) -> None:
    plain = op_to_plain(op)
    json.dumps(plain)
    assert op_from_plain(plain) == op


@given(ops)
def test_an_actor_read_back_is_what_its_op_said(op: Op) -> None:
    plain = actor_to_plain(op)
    assert not [key for key, value in plain.items() if isinstance(value, bool)]
    assert plain["game"] == game_of(op.id)
    record = actor_from_plain(plain)
    assert record == record_of(op)
    assert (record.away, record.deleted) == (op.presence is Presence.AWAY, op.presence is Presence.DELETED)


@given(names, st.text(min_size=1))
def test_a_document_id_names_its_game_and_itself(game: str, name: str) -> None:
    assert (game_of(doc_id(game, name)), name_of(doc_id(game, name))) == (game, name)
