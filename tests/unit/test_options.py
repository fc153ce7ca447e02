"""Options: a flag wins over its variable, and what is bad is named as it was given."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from roomfleet.master.options import MasterOptions
from roomfleet.wire.options import BadOption, MissingOption, Option, link_secret
from roomfleet.wire.settings import Settings


def given(*flags: str, **variables: str) -> MasterOptions:
    parser = argparse.ArgumentParser()
    MasterOptions.add_to(parser)
    return MasterOptions.given(parser.parse_args(flags), variables)


def test_nothing_given_is_a_master_of_this_machine() -> None:
    options = MasterOptions.from_environment({})
    assert options == MasterOptions() == given()
    assert (options.host, options.port, options.link_port, options.prefix) == ("127.0.0.1", 8080, 8081, "")
    assert options.page_url(8123) == "http://127.0.0.1:8123"
    assert options.origins(8123) == ["http://127.0.0.1:8123"]


def test_every_option_has_a_variable() -> None:
    assert MasterOptions.from_environment(
        {
            "ROOMFLEET_PUBLIC_URL": "https://play.example/games/",
            "ROOMFLEET_ALLOWED_ORIGINS": "https://one.example, http://two.example:81/",
            "ROOMFLEET_HOST": "0.0.0.0",
            "ROOMFLEET_PORT": "9",
            "ROOMFLEET_LINK_HOST": "::",
            "ROOMFLEET_LINK_PORT": "10",
            "ROOMFLEET_LINK_SECRET": "hush",
            "ROOMFLEET_NAMESPACES": "isle,walkabout",
            "ROOMFLEET_DATA": "/var/lib/roomfleet",
            "ROOMFLEET_LINE_LIMIT": "7",
        }
    ) == MasterOptions(
        public_url="https://play.example/games",
        allowed_origins=("https://one.example", "http://two.example:81"),
        host="0.0.0.0",
        port=9,
        link_host="::",
        link_port=10,
        link_secret="hush",
        namespaces=("isle", "walkabout"),
        data=Path("/var/lib/roomfleet"),
        settings=Settings(line_limit=7),
    )


def test_a_flag_wins_over_its_variable() -> None:
    options = given(
        *("--port", "1", "--public-url", "http://a.example", "--line-limit", "2"),
        *("--allowed-origin", "http://b.example", "--allowed-origin", "http://c.example"),
        ROOMFLEET_PORT="3",
        ROOMFLEET_PUBLIC_URL="http://d.example",
        ROOMFLEET_LINE_LIMIT="4",
        ROOMFLEET_ALLOWED_ORIGINS="http://e.example",
    )
    assert (options.port, options.public_url, options.settings.line_limit) == (1, "http://a.example", 2)
    assert options.allowed_origins == ("http://b.example", "http://c.example")


def test_an_empty_variable_counts_as_not_set() -> None:
    assert (
        MasterOptions.from_environment({"ROOMFLEET_PORT": "", "ROOMFLEET_PUBLIC_URL": ""}) == MasterOptions()
    )


@pytest.mark.parametrize(
    ("url", "prefix", "origin"),
    [
        ("https://play.example", "", "https://play.example"),
        ("https://play.example/", "", "https://play.example"),
        ("https://play.example:443/games", "/games", "https://play.example"),
        ("http://play.example:8000/a/b/", "/a/b", "http://play.example:8000"),
        ("http://[2001:db8::1]:80/x", "/x", "http://[2001:db8::1]"),
        ("https://Play.Example/x", "/x", "https://play.example"),
    ],
)
def test_prefix_and_origin_are_the_public_url_s(url: str, prefix: str, origin: str) -> None:
    options = given("--public-url", url)
    assert options.prefix == prefix
    assert options.origins(8080) == [origin]
    assert options.page_url(8080) == url.rstrip("/")


def test_served_at_every_address_pages_of_each_may_connect_unless_there_is_a_public_url() -> None:
    assert given("--host", "0.0.0.0").origins(80) == ["http://127.0.0.1:80", "http://*:80"]
    public = given("--host", "0.0.0.0", "--public-url", "https://a.example")
    assert public.origins(80) == ["https://a.example"]


@pytest.mark.parametrize(
    ("flags", "variables", "said"),
    [
        (["--port", "web"], {}, "--port 'web': give a whole number from 0 to 65535"),
        ([], {"ROOMFLEET_PORT": "65536"}, "ROOMFLEET_PORT='65536': give a whole number"),
        (["--link-port", "-1"], {}, "--link-port '-1': give a whole number"),
        (
            ["--public-url", "play.example"],
            {},
            "--public-url 'play.example': is no URL of http:// or https://",
        ),
        ([], {"ROOMFLEET_PUBLIC_URL": "ftp://x"}, "ROOMFLEET_PUBLIC_URL='ftp://x': is no URL of"),
        (["--public-url", "https://x:many"], {}, "is no URL of"),
        (["--public-url", "https://x/?a=b"], {}, "leave out query"),
        (["--public-url", "https://user:word@x"], {}, "leave out query, fragment and user"),
        (["--allowed-origin", "https://x/page"], {}, "an origin has no path: give https://x"),
        ([], {"ROOMFLEET_ALLOWED_ORIGINS": "https://x,nonsense"}, "ROOMFLEET_ALLOWED_ORIGINS='nonsense': is"),
        (["--line-limit", "1.5"], {}, "--line-limit '1.5': set it to a whole number above 0"),
        ([], {"ROOMFLEET_TICKET_SECONDS": "soon"}, "ROOMFLEET_TICKET_SECONDS='soon': set it to a number"),
        (
            ["--link-secret-file", "/no/such"],
            {},
            "--link-secret-file '/no/such': cannot be read (No such file",
        ),
    ],
)
def test_a_bad_value_is_named_as_it_was_given(flags: list[str], variables: dict[str, str], said: str) -> None:
    with pytest.raises(BadOption) as caught:
        given(*flags, **variables)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_one_is_named_with_its_flag_and_its_variable() -> None:
    with pytest.raises(MissingOption) as caught:
        Option("--public-url", "where players reach it").needed(argparse.Namespace(), {})
    assert str(caught.value) == (
        "--public-url is missing: give it, or set ROOMFLEET_PUBLIC_URL: where players reach it"
    )


def test_the_secret_comes_from_a_variable_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("in the file\n")
    named = {"ROOMFLEET_LINK_SECRET_FILE": str(file)}
    assert given(ROOMFLEET_LINK_SECRET="said").link_secret == "said"
    assert given(**named).link_secret == "in the file"
    assert given(**named, ROOMFLEET_LINK_SECRET="said").link_secret == "said"
    assert given("--link-secret-file", str(file), ROOMFLEET_LINK_SECRET="said").link_secret == "in the file"
    file.write_text(" \n")
    with pytest.raises(BadOption, match="is empty: put the secret in it"):
        given(**named)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(BadOption, match="it is not text"):
        given(**named)


def test_no_flag_takes_a_secret_itself() -> None:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    MasterOptions.add_to(parser)
    assert "--link-secret " not in parser.format_help()
    assert link_secret(argparse.Namespace(), {}, lambda name: name) == ""


@pytest.mark.parametrize("option", Settings.options(), ids=lambda option: option.flag)
def test_each_setting_has_a_flag(option: Option) -> None:
    parser = argparse.ArgumentParser()
    Settings.add_to(parser)
    settings = Settings.given(parser.parse_args([option.flag, "7"]), {option.variable: "8"})
    assert getattr(settings, option.name) == 7
    assert option.variable in parser.format_help()


def test_settings_are_handed_on_by_variables() -> None:
    settings = Settings(ticket_seconds=2.5, line_limit=3)
    assert Settings.from_environment(settings.environment()) == settings
