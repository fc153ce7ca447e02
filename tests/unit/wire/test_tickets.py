"""A ticket lets its bearer in once, in time, at the node it is for; nothing else does."""

from __future__ import annotations

import base64
import json

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from hypothesis import given
from hypothesis import strategies as st

from roomfleet.wire.errors import TicketError, TicketFlaw
from roomfleet.wire.tickets import (
    LineToken,
    SigningKey,
    Ticket,
    UsedTickets,
    check_line_token,
    check_ticket,
    key_id,
)

KEY = SigningKey.from_seed(bytes(32))
OTHER = SigningKey.from_seed(bytes(31) + b"\x01")
KEYS = {KEY.id: KEY.public}
NOW = 1_800_000_000.0
TICKET = Ticket(sub="Ada", game="walkabout", room="town", aud="boot-1", exp=NOW + 15, jti="j-1")
LINE = LineToken(sub="Ada", game="walkabout", room="town", exp=NOW + 60, jti="j-1", arrived=NOW - 5)


def flaw(token: str, *, audience: str = "boot-1", now: float = NOW) -> TicketFlaw:
    with pytest.raises(TicketError, match="join again") as caught:
        check_ticket(token, KEYS, audience=audience, now=now)
    return caught.value.flaw


def test_a_good_ticket_gives_its_claims() -> None:
    assert check_ticket(KEY.sign(TICKET), KEYS, audience="boot-1", now=NOW) == TICKET


def test_a_ticket_is_good_until_it_expires_and_not_at_that_moment() -> None:
    token = KEY.sign(TICKET)
    assert check_ticket(token, KEYS, audience="boot-1", now=NOW + 14.999) == TICKET
    assert flaw(token, now=NOW + 15) is TicketFlaw.EXPIRED
    assert flaw(token, now=NOW + 1e6) is TicketFlaw.EXPIRED


def test_a_ticket_for_another_boot_of_the_node_is_refused() -> None:
    assert flaw(KEY.sign(TICKET), audience="boot-2") is TicketFlaw.WRONG_AUDIENCE


def test_a_ticket_of_an_unknown_key_is_forged() -> None:
    assert flaw(OTHER.sign(TICKET)) is TicketFlaw.FORGED


def test_a_key_that_claims_to_be_another_is_forged() -> None:
    token = jwt.encode({"sub": "Ada"}, OTHER._private, algorithm="EdDSA", headers={"kid": KEY.id})
    assert flaw(token) is TicketFlaw.FORGED


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_changed_claim_is_forged() -> None:
    head, _, signature = KEY.sign(TICKET).split(".")
    claims = {"sub": "Eve", "game": "walkabout", "room": "town", "aud": "boot-1", "exp": NOW + 15, "jti": "j"}
    assert flaw(f"{head}.{segment(claims)}.{signature}") is TicketFlaw.FORGED


def test_other_algorithms_and_none_at_all_are_forged() -> None:
    claims = {"sub": "Eve", "game": "walkabout", "room": "town", "aud": "boot-1", "exp": NOW + 15, "jti": "j"}
    unsigned = f"{segment({'alg': 'none', 'kid': KEY.id})}.{segment(claims)}."
    assert flaw(unsigned) is TicketFlaw.FORGED
    # The public key as a shared secret: the classic confusion of algorithms.
    secret = KEY.public.encode() + bytes(32)
    assert flaw(jwt.encode(claims, secret, algorithm="HS256", headers={"kid": KEY.id})) is TicketFlaw.FORGED


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "..", "eyJhbGciOiJFZERTQSJ9", "ü", "a" * 10_000])
def test_what_is_no_ticket_is_malformed(token: str) -> None:
    assert flaw(token) is TicketFlaw.MALFORMED


@given(st.text(max_size=80))
def test_no_text_raises_anything_but_a_ticket_error(token: str) -> None:
    with pytest.raises(TicketError):
        check_ticket(token, KEYS, audience="boot-1", now=NOW)


def test_a_ticket_without_a_claim_is_malformed() -> None:
    token = jwt.encode({"sub": "Ada"}, KEY._private, algorithm="EdDSA", headers={"kid": KEY.id})
    assert flaw(token) is TicketFlaw.MALFORMED


def test_a_line_token_opens_no_door_and_a_ticket_keeps_no_place() -> None:
    assert check_line_token(KEY.sign(LINE), KEYS, now=NOW) == LINE
    assert flaw(KEY.sign(LINE)) is TicketFlaw.WRONG_AUDIENCE
    with pytest.raises(TicketError):
        check_line_token(KEY.sign(TICKET), KEYS, now=NOW)
    with pytest.raises(TicketError) as caught:
        check_line_token(KEY.sign(LINE), KEYS, now=NOW + 60)
    assert caught.value.flaw is TicketFlaw.EXPIRED


def test_a_ticket_is_used_once() -> None:
    used = UsedTickets()
    used.check(TICKET)
    used.use(TICKET, NOW)
    with pytest.raises(TicketError) as caught:
        used.check(TICKET)
    assert caught.value.flaw is TicketFlaw.REUSED
    with pytest.raises(TicketError):
        used.use(TICKET, NOW)


def test_used_tickets_are_forgotten_once_they_have_expired_anyway() -> None:
    used = UsedTickets()
    for number in range(1_000):
        now = NOW + number
        used.use(Ticket(sub="A", game="g", room="r", aud="b", exp=now + 15, jti=str(number)), now)
    assert len(used._used) <= 16


def test_a_ticket_that_was_given_back_may_be_used_again() -> None:
    used = UsedTickets()
    ticket = Ticket(sub="A", game="g", room="r", aud="b", exp=NOW + 15, jti="1")
    used.use(ticket, NOW)
    used.give_back(ticket)
    used.check(ticket)
    used.use(ticket, NOW)
    with pytest.raises(TicketError):
        used.check(ticket)


def test_a_key_is_the_same_after_its_file() -> None:
    again = SigningKey.from_pem(KEY.to_pem())
    assert (again.id, again.public) == (KEY.id, KEY.public)
    assert again.id == key_id(KEY.public)
    assert len({KEY.id, OTHER.id}) == 2


def test_a_key_of_another_kind_is_refused() -> None:
    pem = generate_private_key(SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(ValueError, match="Ed25519"):
        SigningKey.from_pem(pem)
    with pytest.raises(ValueError, match="PEM"):
        SigningKey.from_pem(b"no key at all")
