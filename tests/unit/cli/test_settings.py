"""`roomfleet settings`: the one tree in its three forms."""

from __future__ import annotations

import json
import re

import jsonschema
import msgspec
import pytest
import yaml

from roomfleet.cli.main import main
from roomfleet.wire.settings import Settings

DEFAULTS = msgspec.to_builtins(Settings())


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["settings", *arguments]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("field", Settings.__struct_fields__)
def test_flag_variable_and_value_of_a_setting_are_one_name(
    field: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = field.split("_")
    value = words[0] + "".join(word.capitalize() for word in words[1:])
    by_flag = printed(capsys, "--" + "-".join(words), "7")
    monkeypatch.setenv("ROOMFLEET_" + "_".join(words).upper(), "7")
    by_variable = printed(capsys)
    assert by_flag == by_variable
    assert yaml.safe_load(by_flag)["settings"] == {
        **dict(
            zip(
                Settings.value_names(),
                (getattr(Settings(), f) for f in Settings.__struct_fields__),
                strict=True,
            )
        ),
        value: 7,
    }


def test_the_variables_that_are_printed_make_the_same_settings(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "-o", "env", "--line-limit", "9", "--ticket-seconds", "0.5").splitlines()
    settings = Settings.from_environment(dict(line.split("=", 1) for line in lines))
    assert settings == Settings(line_limit=9, ticket_seconds=0.5)


def test_every_value_is_explained_with_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "--line-limit", "9")
    assert "  # players in line for one room; past it 429; 1000\n  lineLimit: 9\n" in text
    assert len(re.findall(r"^  # \S", text, re.MULTILINE)) == len(Settings.__struct_fields__)


@pytest.mark.parametrize(
    ("values", "good"),
    [
        ({"ticketSeconds": 0.5, "lineLimit": 3}, True),
        ({}, True),
        ({"ticketSeconds": 0}, False),
        ({"lineLimit": 1.5}, False),
        ({"lineLimit": "many"}, False),
        ({"ticketSecond": 1}, False),
    ],
)
def test_the_schema_allows_what_a_process_takes(
    values: dict[str, object], good: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = json.loads(printed(capsys, "-o", "schema"))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert jsonschema.Draft202012Validator(schema).is_valid(values) is good
    assert {name: each["default"] for name, each in schema["properties"].items()} == DEFAULTS


def test_a_bad_setting_is_named_as_it_was_given(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["settings", "--line-limit", "none"]) == 1
    assert "--line-limit 'none': set it to a whole number above 0" in capsys.readouterr().err
    monkeypatch.setenv("ROOMFLEET_TICKET_SECONDS", "-1")
    assert main(["settings"]) == 1
    assert "ROOMFLEET_TICKET_SECONDS='-1': set it to a number above 0" in capsys.readouterr().err
