"""docs/joining.md says what there is: every refusal, and the figures of the line."""

from __future__ import annotations

import re

from roomfleet.master.answers import RENEW_SECONDS as TOKEN_RENEWED_SECONDS
from roomfleet.master.core.joining.join_alarms import UNPOLLED_SECONDS
from roomfleet.master.core.joining.telling import FAR_SECONDS, NEAR, RENEW_SECONDS
from roomfleet.master.core.master import COLLECT_SECONDS
from roomfleet.wire.joining import Refusal
from roomfleet.wire.settings import Settings
from roomfleet.wire.tickets import LINE_TOKEN_SECONDS
from support.running import REPOSITORY

TEXT = (REPOSITORY / "docs" / "joining.md").read_text()


def test_every_refusal_stands_there_with_its_status() -> None:
    told = {}
    for names, status in re.findall(r"^\| ((?:`[a-z-]+`(?:, )?)+) \| (\d+) \|", TEXT, re.MULTILINE):
        told.update(dict.fromkeys(re.findall(r"`([a-z-]+)`", names), int(status)))
    assert told == {refusal.value: refusal.status for refusal in Refusal}


def test_the_figures_are_those_of_the_code() -> None:
    text = " ".join(TEXT.split())
    settings = Settings()
    assert f"within {NEAR} places of the head" in text
    assert FAR_SECONDS == 1
    assert "at most once a second" in text
    assert f"every {RENEW_SECONDS:.0f} seconds" in text
    assert LINE_TOKEN_SECONDS - TOKEN_RENEWED_SECONDS == 60
    assert "good for a minute after the last word" in text
    assert f"come first for {COLLECT_SECONDS:.0f} seconds" in text
    assert f"at least every {UNPOLLED_SECONDS:.0f} s" in text
    assert f"`lineLimit` ({settings.line_limit:,})" in text
    assert f"`joinTimeoutSeconds` ({settings.join_timeout_seconds:.0f})" in text
    assert f"`ticketSeconds` ({settings.ticket_seconds:.0f})" in text
