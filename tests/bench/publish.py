"""Put the figures of build/bench.json between the two marks of docs/performance.md, with the plot beside it.

    python tests/bench/publish.py

Run it after `make bench` on a machine that did nothing else meanwhile; figures of a quick run are refused.
"""

from __future__ import annotations

import json
import sys

from rig.load import REPOSITORY
from rig.plot import draw
from rig.report import report

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def main() -> int:
    whole = json.loads((REPOSITORY / "build" / "bench.json").read_text())
    if whole["quick"]:
        print("build/bench.json is of a quick run: run `make bench` first", file=sys.stderr)
        return 1
    page = REPOSITORY / "docs" / "performance.md"
    head, rest = page.read_text().split(BEGIN)
    tail = rest.split(END)[1]
    drawn = draw(whole["details"], page.with_suffix(".svg"))
    picture = "![Clients against CPU and latency, both sides](performance.svg)\n\n" if drawn else ""
    page.write_text(f"{head}{BEGIN}\n\n{picture}{report(whole)}\n{END}{tail}")
    print(f"{page} has the figures now")
    return 0


if __name__ == "__main__":
    sys.exit(main())
