#!/usr/bin/env python3
"""What `run.sh` measured: as text; with --json FILE, --svg FILE and --readme FILE, also there.

Reads from standard input a line for each row: WHAT, OURS, THEIRS, VALUE, UNIT and LIMIT, with tabs between. THEIRS is
empty where nothing stands beside it, LIMIT where there is no budget. In README's text the table takes the place of what
stands between the two marks.
"""

import argparse
import html
import json
import re
import sys
from pathlib import Path

MARKS = ("<!-- speed: bash tests/bench/run.sh --readme -->", "<!-- /speed -->")


# Why a budget cannot be met, by how the row begins: said where it is not.
WHY = {
    "the binary": "0.75 of it is glibc, linked in: without it here and find take a third longer",
    "sourcing the integration, nu": "nu parses all of the file at each start, and keeps nothing of it",
    "candidates for a Tab, 2000": "git keeps two files for each worktree, and both have to be read",
    "list --full": "nine tenths are the kernel's, for a look at each file",
    "wnew without set-up": "git's own three processes, and a journal that no kill can lose",
    "wrm": "nearly all of it is git status: nothing may be lost",
    "wcd in bash": "bash forks for each answer that it reads",
    "wnew, with 20,000 files": "each file is written beside its place and renamed, so that a kill leaves none in half",
    "a prompt without": "calls of the system; met where an empty program takes 0.75 ms",
    "wcd inside": "met where an empty program takes 0.75 ms",
}


def rows():
    """The rows as they are in the JSON."""
    for line in sys.stdin:
        what, ours, theirs, value, unit, limit = line.rstrip("\n").split("\t")
        yield {
            "what": what,
            "ours": ours or None,
            "theirs": theirs or None,
            "value": float(value),
            "unit": unit,
            "budget": float(limit) if limit else None,
            "met": float(value) <= float(limit) if limit else None,
        }


def verdict(row):
    if row["met"] is not False:
        return "met" if row["met"] else ""
    why = (reason for begin, reason in WHY.items() if row["what"].startswith(begin))
    return ": ".join(["over", *why])


def cells(row):
    budget = "" if row["budget"] is None else f"{row['budget']:g} {row['unit']}".strip()
    value = f"{row['value']:g} {row['unit']}".strip()
    return row["what"], row["ours"] or "", row["theirs"] or "", value, budget, verdict(row)


HEAD = ("what", "ours", "theirs", "measured", "at most", "")


def text(table):
    lines = [HEAD, *map(cells, table)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(HEAD))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def readme(file, table):
    page = Path(file).read_text(encoding="utf-8")
    head = "| what | measured | at most | |\n|---|---|---|---|\n"
    body = "".join("| {0} | {3} | {4} | {5} |\n".format(*cells(row)) for row in table)
    between = re.escape(MARKS[0]) + ".*?" + re.escape(MARKS[1])
    new, found = re.subn(between, lambda _: f"{MARKS[0]}\n{head}{body}{MARKS[1]}", page, flags=re.S)
    if not found:
        sys.exit(f"report.py: {file} has no marks for the table")
    Path(file).write_text(new, encoding="utf-8")


def svg(file, table):
    """A bar for each ratio, as long as its share of the budget."""
    bars = [row for row in table if row["budget"]]
    width, step, full = 860, 22, 300
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{step * len(bars) + 40}" '
        'font-family="ui-monospace, monospace" font-size="12">',
        "<style>text{fill:#24292f}.met{fill:#2da44e}.over{fill:#bf8700}.limit{stroke:#57606a}"
        "@media(prefers-color-scheme:dark){text{fill:#c9d1d9}.limit{stroke:#8b949e}}</style>",
        f'<line class="limit" x1="{460 + full / 2}" x2="{460 + full / 2}" y1="20" y2="{step * len(bars) + 24}"/>',
        f'<text x="{460 + full / 2}" y="14" text-anchor="middle">budget</text>',
    ]
    for at, row in enumerate(bars):
        y = 24 + at * step
        length = min(full, full / 2 * row["value"] / row["budget"])
        kind = "met" if row["met"] else "over"
        out.append(f'<text x="4" y="{y + 13}">{html.escape(row["what"])}</text>')
        out.append(f'<rect class="{kind}" x="460" y="{y + 3}" width="{length:.0f}" height="13"/>')
        out.append(f'<text x="{468 + full}" y="{y + 13}">{row["value"]:g} {row["unit"]}</text>')
    Path(file).write_text("\n".join([*out, "</svg>", ""]), encoding="utf-8")


def main():
    options = argparse.ArgumentParser(description=__doc__)
    for name in ("json", "svg", "readme"):
        options.add_argument(f"--{name}", metavar="FILE")
    given = options.parse_args()
    table = list(rows())
    text(table)
    if given.json:
        Path(given.json).write_text(json.dumps({"rows": table}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if given.svg:
        svg(given.svg, table)
    if given.readme:
        readme(given.readme, table)


main()
