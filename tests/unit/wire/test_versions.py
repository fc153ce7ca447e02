"""One version everywhere."""

from __future__ import annotations

import json
import pathlib
import re

from roomfleet.wire.version import __version__

ROOT = pathlib.Path(__file__).parents[3]


def test_the_javascript_client_has_the_version_of_the_distribution() -> None:
    for name in ("package.json", "package-lock.json"):
        assert json.loads((ROOT / "client/js" / name).read_text())["version"] == __version__
    found = re.search(r'VERSION = "([^"]+)"', (ROOT / "client/js/src/version.js").read_text())
    assert found is not None
    assert found.group(1) == __version__


def test_the_lock_file_names_no_registry() -> None:
    assert "resolved" not in (ROOT / "client/js/package-lock.json").read_text()
