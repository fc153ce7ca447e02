"""The settings' defaults are the documented ones, and a bad value is refused by its variable's name."""

from __future__ import annotations

import msgspec
import pytest

from roomfleet.wire.settings import BadSetting, Settings, environment_name


def test_the_defaults_are_the_documented_ones() -> None:
    assert msgspec.to_builtins(Settings()) == {
        "joinTimeoutSeconds": 120,
        "lineLimit": 1_000,
        "ticketSeconds": 15,
        "reconnectSeconds": 30,
        "nodeLostAfterSeconds": 10,
        "overloadShare": 0.9,
        "maxUnsavedSeconds": 10,
        "deleteAfterSeconds": 600,
        "keepAliveSeconds": 20,
        "ticksPerSecond": 20,
        "maxMessageBytes": 65_536,
        "callsPerSecond": 20,
        "callsBurst": 40,
        "outstandingCalls": 64,
        "slowClientSeconds": 10,
    }


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_environment({"PATH": "/bin", "ROOMFLEET_UNKNOWN": "1"}) == Settings()


@pytest.mark.parametrize("field", Settings.__struct_fields__)
def test_each_setting_has_a_variable(field: str) -> None:
    settings = Settings.from_environment({environment_name(field): "7"})
    assert getattr(settings, field) == 7
    assert settings == msgspec.structs.replace(Settings(), **{field: 7})


def test_seconds_may_be_fractions_and_counts_may_not() -> None:
    assert Settings.from_environment({"ROOMFLEET_TICKET_SECONDS": "0.5"}).ticket_seconds == 0.5
    with pytest.raises(BadSetting, match="ROOMFLEET_LINE_LIMIT"):
        Settings.from_environment({"ROOMFLEET_LINE_LIMIT": "1.5"})


@pytest.mark.parametrize("text", ["", "soon", "0", "-1", "1s", "true", "nan", "inf"])
def test_a_bad_value_is_refused_and_its_variable_named(text: str) -> None:
    with pytest.raises(BadSetting, match="ROOMFLEET_JOIN_TIMEOUT_SECONDS"):
        Settings.from_environment({"ROOMFLEET_JOIN_TIMEOUT_SECONDS": text})
