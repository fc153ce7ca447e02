"""The page behind TLS and a path prefix of a proxy."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from support.browser import Windows
from support.proxied import proxied
from support.running import eventually


def test_the_page_is_played_below_a_prefix(browser: Browser, tmp_path: Path) -> None:
    with proxied(tmp_path) as proxy:
        windows = Windows(browser, proxy.fleet)
        window = windows.new(ignore_https_errors=True).enter("Ada")
        assert window.page.url.startswith(proxy.url + "/")
        window.click_world(690, 250)
        eventually(lambda: window.stands_at(690, 250), what="the hero where was clicked")
        window.click_door("east gate")
        window.wait("playing", "meadow")
        assert "reconnecting" not in window.states
        windows.close_all()
