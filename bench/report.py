"""The results of a run as text, JSON, Markdown, and a picture.

python bench/report.py RESULT.json --markdown > bench/table.md
python bench/report.py RESULT.json --svg > docs/bench.svg
"""

from __future__ import annotations

import argparse
import html
import json
import math
import sys

NEVER = float("inf")


class Row:
    """One comparison: ``mine`` ms of ours beside ``other`` ms of something else (0: it is not installed).

    ``target`` is the ratio to reach and ``limit`` the time in ms; infinite where there is none.
    """

    def __init__(
        self,
        shell: str,
        what: str,
        mine: float,
        beside: str,
        other: float,
        target: float,
        limit: float,
    ) -> None:
        self.shell, self.what, self.mine, self.beside, self.other = shell, what, mine, beside, other
        self.target, self.limit = target, limit

    @property
    def ratio(self) -> float:
        """Ours to theirs."""
        return self.mine / self.other if self.other else math.nan

    @property
    def reached(self) -> str:
        """Whether the targets are reached; empty where there is none to judge."""
        verdicts = []
        if self.target < NEVER and self.other:
            verdicts.append(self.ratio <= self.target)
        if self.limit < NEVER:
            verdicts.append(self.mine <= self.limit)
        return ("yes" if all(verdicts) else "no") if verdicts else ""

    @property
    def aim(self) -> str:
        """The targets in words."""
        aims = [_ratio(self.target)] * (self.target < NEVER) + [f"{self.limit:.3g} ms"] * (
            self.limit < NEVER
        )
        return ", ".join(aims)

    def cells(self) -> list[str]:
        """The row as it is shown."""
        return [
            self.shell or "any",
            self.what,
            _ms(self.mine),
            self.beside,
            _ms(self.other) if self.other else "not installed",
            _ratio(self.ratio),
            self.aim,
            self.reached,
        ]


HEAD = ["shell", "what", "cowork-env", "beside", "takes", "ratio", "target", "reached"]


def _ms(value: float) -> str:
    return f"{value:.2g} ms" if value < 1 else f"{value:.1f} ms"


def _ratio(value: float) -> str:
    if math.isnan(value):
        return ""
    return f"1/{1 / value:.0f}" if 0 < value <= 0.5 else f"{value:.2f}"


def as_json(about: dict[str, str], rows: list[Row]) -> str:
    """Everything, for programs and for the other forms."""
    found = []
    for row in rows:
        entry: dict[str, object] = {
            "shell": row.shell,
            "what": row.what,
            "ms": round(row.mine, 4),
            "beside": row.beside,
        }
        entry["beside_ms"] = round(row.other, 4) or None
        entry["ratio"] = round(row.ratio, 5) if row.other else None
        entry["target_ratio"] = row.target if row.target < NEVER else None
        entry["target_ms"] = row.limit if row.limit < NEVER else None
        entry["reached"] = {"yes": True, "no": False}.get(row.reached)
        found.append(entry)
    return json.dumps({"about": about, "rows": found}, indent=2)


def from_json(text: str) -> tuple[dict[str, str], list[Row]]:
    """The reverse of :func:`as_json`."""
    data = json.loads(text)
    rows = [
        Row(
            r["shell"],
            r["what"],
            r["ms"],
            r["beside"],
            r["beside_ms"] or 0,
            r["target_ratio"] or NEVER,
            r["target_ms"] or NEVER,
        )
        for r in data["rows"]
    ]
    return data["about"], rows


def _about(about: dict[str, str]) -> str:
    words = [
        f"{k} {v}" for k, v in about.items() if k not in ("machine", "date", "seconds", "note")
    ]
    note = f" ({about['note']})" if "note" in about else ""
    return f"{about['machine']}; {', '.join(words)}; {about['date']}; medians{note}"


def as_text(about: dict[str, str], rows: list[Row]) -> str:
    """A table for a terminal."""
    cells = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(HEAD))]
    right = (2, 4, 5)
    lines = [
        "  ".join(
            c.rjust(w) if i in right else c.ljust(w)
            for i, (c, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in cells
    ]
    return "\n".join([_about(about), "", *(line.rstrip() for line in lines)])


def as_markdown(about: dict[str, str], rows: list[Row]) -> str:
    """A table for the README: a line per thing measured, and a column per shell."""
    shells = list(dict.fromkeys(row.shell for row in rows if row.shell))
    lines = [
        f"| | beside | target | {' | '.join(shells)} |",
        "|---|---|---|" + "---|" * len(shells),
    ]
    for what, beside in dict.fromkeys((row.what, row.beside) for row in rows):
        same = {row.shell: row for row in rows if (row.what, row.beside) == (what, beside)}
        aims: dict[str, list[str]] = {}
        for row in same.values():
            aims.setdefault(row.aim, []).append(row.shell)
        aim = "; ".join(
            f"{aim} ({', '.join(names)})" if len(aims) > 1 else aim for aim, names in aims.items()
        )
        cells = [_cell(same.get(shell, same.get(""))) for shell in shells]
        if "" in same:
            cells = [_cell(same[""]), *[""] * (len(shells) - 1)]
        lines.append(f"| {what} | {beside} | {aim} | {' | '.join(cells)} |")
    return "\n".join(
        [*lines, "", f"Ours, and its ratio to what stands beside it. {_about(about)}."]
    )


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    ratio = f"**{_ratio(row.ratio)}**" if row.other else "-"
    return f"{_ms(row.mine)}, {ratio}" + (" (missed)" if row.reached == "no" else "")


# The picture


def _short(beside: str) -> str:
    return "bare python3" if beside.startswith("python3") else beside


BARS = (
    "prompt, nothing changed, 10 deep",
    "cd to a provider seen before, and prompt",
    "cd to a provider for the first time",
)
TITLES = (
    "Prompt, nothing changed",
    "cd to a provider seen before",
    "cd to a provider for the first time",
)
STYLE = """
.card { fill: #ffffff } text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #24292f }
.title { font-weight: 600 } .small { font-size: 11px; fill: #57606a } .grid { stroke: #d0d7de; stroke-width: 1 }
.ours { fill: #0969da } .theirs { fill: #8c959f }
@media (prefers-color-scheme: dark) {
  .card { fill: #0d1117 }
  text { fill: #e6edf3 } .small { fill: #9198a1 } .grid { stroke: #3d444d } .ours { fill: #4493f8 } .theirs { fill: #656c76 }
}"""


def as_svg(about: dict[str, str], rows: list[Row]) -> str:
    """Horizontal bars on a logarithmic scale, readable on light and dark."""
    left, width, step = 190, 470, 19
    bars: list[tuple[str, str, str, float]] = []  # kind, shell, name, ms
    for what, title in zip(BARS, TITLES, strict=True):
        bars.append(("title", "", title, 0))
        for shell in dict.fromkeys(row.shell for row in rows if row.shell):
            same = [row for row in rows if (row.shell, row.what) == (shell, what)]
            if same:
                bars.append(("ours", shell, "cowork-env", same[0].mine))
                bars += [("theirs", "", _short(row.beside), row.other) for row in same if row.other]
    values = [ms for kind, _, _, ms in bars if kind != "title"]
    low, high = 10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values)))
    span = math.log10(high / low)

    def at(ms: float) -> float:
        return left + width * math.log10(ms / low) / span

    out, top = [], 30.0
    y = top
    for kind, shell, name, ms in bars:
        if kind == "title":
            y += 12
            out.append(f'<text class="title" x="10" y="{y + 13:.0f}">{html.escape(name)}</text>')
            y += 22
            continue
        if kind == "ours":
            y += 4
            out.append(f'<text x="10" y="{y + 13:.0f}">{shell}</text>')
        out.append(
            f'<text x="{left - 8}" y="{y + 13:.0f}" text-anchor="end">{html.escape(name)}</text>'
        )
        out.append(
            f'<rect class="{kind}" x="{left}" y="{y + 2:.0f}" width="{max(2.0, at(ms) - left):.1f}" height="14" rx="2"/>'
        )
        out.append(
            f'<text class="small" x="{max(left + 2.0, at(ms)) + 5:.1f}" y="{y + 13:.0f}">{_ms(ms)}</text>'
        )
        y += step
    grid = []
    for power in range(round(span) + 1):
        ms = low * 10**power
        grid.append(
            f'<line class="grid" x1="{at(ms):.1f}" y1="{top}" x2="{at(ms):.1f}" y2="{y + 6:.0f}"/>'
        )
        grid.append(
            f'<text class="small" x="{at(ms):.1f}" y="{top - 8:.0f}" text-anchor="middle">{ms:g} ms</text>'
        )
    foot = []
    for words in _foot(about):
        y += 17
        foot.append(f'<text class="small" x="10" y="{y + 12:.0f}">{html.escape(words)}</text>')
    size = f"{left + width + 70} {y + 24:.0f}"
    label = "Time at a prompt and at a change of directory, beside mise and direnv, on a logarithmic scale"
    card = '<rect class="card" width="100%" height="100%" rx="6"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" role="img" aria-label="{label}">'
    return "\n".join([head, f"<style>{STYLE}\n</style>", card, *grid, *out, *foot, "</svg>"])


def _foot(about: dict[str, str]) -> list[str]:
    peers = ", ".join(
        f"{name} {about[name]}" for name in ("mise", "direnv", "python") if name in about
    )
    return [
        f"Medians on a logarithmic scale; shorter is better. {peers}.",
        f"{about['machine']}; {about['date']}.",
        *([f"{about['note']}."] if "note" in about else []),
    ]


def main() -> None:
    """Turn the JSON of a run into another form."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "result", type=argparse.FileType(encoding="utf-8"), help="what run.py --json printed"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--markdown", dest="form", action="store_const", const=as_markdown)
    form.add_argument("--svg", dest="form", action="store_const", const=as_svg)
    options = parser.parse_args()
    sys.stdout.write((options.form or as_text)(*from_json(options.result.read())) + "\n")


if __name__ == "__main__":
    main()
