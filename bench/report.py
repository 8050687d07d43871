"""The results of a run as text, JSON, Markdown, and a picture.

python bench/report.py RESULT.json --markdown > bench/table.md
python bench/report.py RESULT.json --svg > docs/bench.svg
python bench/report.py RESULT.json --readme README.md
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import dataclass, field
from html import escape

# Rows that the picture and the README show.
NEW_SHELL = "a new shell where nothing applies: added until the first prompt"
NEW_PINNED_SHELL = "a new shell in a pinned directory: added until the first prompt"
PROMPT = "prompt, nothing changed, {depth} deep"
KNOWN_PROVIDER = "cd to a provider seen before, and prompt"
FIRST_VISIT = "cd to a provider for the first time"

# Each with its title, in the picture and in the README.
HIGHLIGHTS = (
    (NEW_SHELL, "New shell, nothing applies"),
    (NEW_PINNED_SHELL, "New shell in a pinned directory"),
    (PROMPT.format(depth=10), "Prompt, nothing changed"),
    (KNOWN_PROVIDER, "cd to a provider seen before"),
    (FIRST_VISIT, "cd to a provider for the first time"),
)

# The lines between which README.md shows them.
BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
LEAST = 0.01  # milliseconds: what is less is not told apart from nothing


@dataclass(frozen=True)
class Target:
    """What is to be reached: a ratio to the peer's time, a time in milliseconds, both or none."""

    ratio: float | None = None
    ms: float | None = None

    def __str__(self) -> str:
        ratio = [] if self.ratio is None else [_ratio(self.ratio)]
        ms = [] if self.ms is None else [f"{self.ms:.3g} ms"]
        return ", ".join(ratio + ms)


@dataclass(frozen=True)
class Row:
    """One comparison: the median time of cowork-env beside that of a peer.

    ``shell`` is empty for what does not depend on it, ``peer_ms`` None if it is not installed.
    """

    shell: str
    what: str
    ms: float
    peer: str
    peer_ms: float | None
    target: Target = field(default_factory=Target)

    @property
    def ratio(self) -> float | None:
        """Ours to the peer's; None if it is not installed."""
        return self.ms / self.peer_ms if self.peer_ms else None

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None where there is nothing to compare."""
        verdicts = []
        if self.target.ratio is not None and self.ratio is not None:
            verdicts.append(self.ratio <= self.target.ratio)
        if self.target.ms is not None:
            verdicts.append(self.ms <= self.target.ms)
        return all(verdicts) if verdicts else None


@dataclass(frozen=True)
class Report:
    """A run: the machine, the versions and the date by name, and the rows."""

    about: dict[str, str]
    rows: list[Row]

    @property
    def shells(self) -> list[str]:
        """The shells that were measured."""
        return list(dict.fromkeys(row.shell for row in self.rows if row.shell))

    def find(self, what: str, shell: str) -> dict[str, Row]:
        """The rows for one thing in one shell, by peer."""
        return {row.peer: row for row in self.rows if (row.what, row.shell) == (what, shell)}

    def __str__(self) -> str:
        about = self.about
        versions = ", ".join(
            f"{name} {version}"
            for name, version in about.items()
            if name not in ("machine", "date", "seconds", "note")
        )
        note = f" ({about['note']})" if "note" in about else ""
        return f"{about['machine']}; {versions}; {about['date']}; medians{note}"


# JSON


def as_json(report: Report) -> str:
    """Everything, for programs and for the other forms."""
    rows = [
        {
            "shell": row.shell,
            "what": row.what,
            "ms": round(row.ms, 4),
            "beside": row.peer,
            "beside_ms": None if row.peer_ms is None else round(row.peer_ms, 4),
            "ratio": None if row.ratio is None else round(row.ratio, 5),
            "target_ratio": row.target.ratio,
            "target_ms": row.target.ms,
            "reached": row.reached,
        }
        for row in report.rows
    ]
    return json.dumps({"about": report.about, "rows": rows}, indent=2)


def from_json(text: str) -> Report:
    """The reverse of :func:`as_json`."""
    data = json.loads(text)
    rows = [
        Row(
            shell=row["shell"],
            what=row["what"],
            ms=row["ms"],
            peer=row["beside"],
            peer_ms=row["beside_ms"],
            target=Target(row["target_ratio"], row["target_ms"]),
        )
        for row in data["rows"]
    ]
    return Report(data["about"], rows)


# Tables


def as_text(report: Report) -> str:
    """A table for a terminal."""
    head = ["shell", "what", "cowork-env", "beside", "takes", "ratio", "target", "reached"]
    lines = [
        head,
        *(
            [
                row.shell or "any",
                row.what,
                _ms(row.ms),
                row.peer,
                "not installed" if row.peer_ms is None else _ms(row.peer_ms),
                _ratio(row.ratio),
                str(row.target),
                {True: "yes", False: "no", None: ""}[row.reached],
            ]
            for row in report.rows
        ),
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    right = (head.index("cowork-env"), head.index("takes"), head.index("ratio"))
    text = [
        "  ".join(
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([str(report), "", *text])


def as_markdown(report: Report) -> str:
    """The whole table: a line for each thing measured, and a column for each shell."""
    shells = report.shells
    lines = [
        f"| | beside | target | {' | '.join(shells)} |",
        "|---|---|---|" + "---|" * len(shells),
    ]
    for what, peer in dict.fromkeys((row.what, row.peer) for row in report.rows):
        same = [row for row in report.rows if (row.what, row.peer) == (what, peer)]
        if same[0].shell:
            by_shell = {row.shell: _cell(row) for row in same}
            cells = [by_shell.get(shell, "") for shell in shells]
        else:
            cells = [_cell(same[0]), *[""] * (len(shells) - 1)]
        lines.append(f"| {what} | {peer} | {_targets(same)} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"cowork-env, and its ratio to what is beside it. {report}."])


def as_readme(report: Report) -> str:
    """The lines for the README: the highlights in the first shell, beside mise and direnv."""
    shell = report.shells[0]
    peers = ("mise", "direnv")
    lines = [f"| {shell} | cowork-env | {' | '.join(peers)} |", "|---|---|" + "---|" * len(peers)]
    for what, title in HIGHLIGHTS:
        rows = report.find(what, shell)
        if not rows:
            continue
        ours = next(iter(rows.values()))
        times = [rows[peer].peer_ms if peer in rows else None for peer in peers]
        cells = [_ms(ours.ms), *("" if time is None else _ms(time) for time in times)]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def write_readme(report: Report, path: str) -> None:
    """Put the lines of :func:`as_readme` into the file at ``path``, between two comments."""
    with open(path, encoding="utf-8") as file:
        before, _, rest = file.read().partition(BEGIN)
    after = rest.partition(END)[2]
    if not after:
        sys.exit(f"{path} has no lines {BEGIN} and {END}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{before}{BEGIN}\n{as_readme(report)}\n{END}{after}")


def _targets(rows: list[Row]) -> str:
    """The target of the same thing in several shells, which may differ."""
    shells: dict[str, list[str]] = {}
    for row in rows:
        shells.setdefault(str(row.target), []).append(row.shell)
    if len(shells) == 1:
        return next(iter(shells))
    return "; ".join(f"{target} ({', '.join(names)})" for target, names in shells.items())


def _cell(row: Row) -> str:
    ratio = "-" if row.ratio is None else f"**{_ratio(row.ratio)}**"
    return f"{_ms(row.ms)}, {ratio}" + (" (missed)" if row.reached is False else "")


def _ms(value: float) -> str:
    return f"{value:.2g} ms" if value < 1 else f"{value:.1f} ms"


def _ratio(value: float | None) -> str:
    if value is None:
        return ""
    return f"1/{1 / value:.0f}" if 0 < value <= 0.5 else f"{value:.2f}"


# Picture

LABEL = (
    "Time in a new shell, at a prompt and at a change of directory, beside mise and direnv, on a "
    "logarithmic scale"
)
STYLE = """
.card { fill: #ffffff }
text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #24292f }
.title { font-weight: 600 } .small { font-size: 11px; fill: #57606a }
.grid { stroke: #d0d7de; stroke-width: 1 } .ours { fill: #0969da } .theirs { fill: #8c959f }
@media (prefers-color-scheme: dark) {
  .card { fill: #0d1117 } text { fill: #e6edf3 } .small { fill: #9198a1 }
  .grid { stroke: #3d444d } .ours { fill: #4493f8 } .theirs { fill: #656c76 }
}"""


@dataclass(frozen=True)
class Bar:
    """One bar: its CSS class, the shell before it (or nothing), a name, and milliseconds."""

    kind: str
    shell: str
    name: str
    ms: float


@dataclass(frozen=True)
class LogScale:
    """A logarithmic scale of milliseconds, from one power of ten to another, in pixels."""

    low: float
    high: float
    left: int = 190
    width: int = 470

    @property
    def decades(self) -> float:
        """How many powers of ten it spans."""
        return math.log10(self.high / self.low)

    def x(self, ms: float) -> float:
        """Where a time is; less than ``low`` is at its start."""
        return self.left + self.width * math.log10(max(ms / self.low, 1)) / self.decades


def as_svg(report: Report) -> str:
    """Horizontal bars on a logarithmic scale, readable on light and dark backgrounds."""
    groups = [(title, bars) for what, title in HIGHLIGHTS if (bars := _bars(report, what))]
    values = [max(bar.ms, LEAST) for _, bars in groups for bar in bars]
    scale = LogScale(
        low=10 ** math.floor(math.log10(min(values))),
        high=10 ** math.ceil(math.log10(max(values))),
    )
    top = y = 30
    body: list[str] = []
    for title, bars in groups:
        y += 12
        body.append(_text(10, y + 13, title, css="title"))
        y += 22
        for bar in bars:
            if bar.shell:
                y += 4
                body.append(_text(10, y + 13, bar.shell))
            body += _draw(bar, scale, y)
            y += 19
    grid = _grid(scale, top, y + 6)
    for words in _footer(report.about):
        y += 17
        body.append(_text(10, y + 12, words, css="small"))
    view = f"0 0 {scale.left + scale.width + 70} {y + 24}"
    svg = 'svg xmlns="http://www.w3.org/2000/svg"'
    head = f'<{svg} viewBox="{view}" role="img" aria-label="{LABEL}">'
    card = '<rect class="card" width="100%" height="100%" rx="6"/>'
    return "\n".join([head, f"<style>{STYLE}\n</style>", card, *grid, *body, "</svg>"])


def _bars(report: Report, what: str) -> list[Bar]:
    """For each shell the bar of cowork-env and those of what is beside it."""
    bars = []
    for shell in report.shells:
        rows = list(report.find(what, shell).values())
        bars += [Bar("ours", shell, "cowork-env", row.ms) for row in rows[:1]]
        for row in rows:
            if row.peer_ms is not None:
                name = "bare python3" if row.peer.startswith("python3") else row.peer
                bars.append(Bar("theirs", "", name, row.peer_ms))
    return bars


def _draw(bar: Bar, scale: LogScale, y: int) -> list[str]:
    left, end = scale.left, max(scale.left + 2.0, scale.x(bar.ms))
    return [
        _text(left - 8, y + 13, bar.name, anchor="end"),
        f'<rect class="{bar.kind}" x="{left}" y="{y + 2}" width="{end - left:.1f}" height="14" '
        'rx="2"/>',
        _text(f"{end + 5:.1f}", y + 13, _ms(bar.ms), css="small"),
    ]


def _grid(scale: LogScale, top: int, bottom: int) -> list[str]:
    lines = []
    for power in range(round(scale.decades) + 1):
        ms = scale.low * 10**power
        x = f"{scale.x(ms):.1f}"
        lines.append(f'<line class="grid" x1="{x}" y1="{top}" x2="{x}" y2="{bottom}"/>')
        lines.append(_text(x, top - 8, f"{ms:g} ms", css="small", anchor="middle"))
    return lines


def _footer(about: dict[str, str]) -> list[str]:
    names = [name for name in ("mise", "direnv", "python") if name in about]
    versions = ", ".join(f"{name} {about[name]}" for name in names)
    return [
        f"Medians on a logarithmic scale; shorter is better. {versions}.",
        f"{about['machine']}; {about['date']}.",
        *([f"{about['note']}."] if "note" in about else []),
    ]


def _text(x: int | str, y: int, words: str, *, css: str = "", anchor: str = "") -> str:
    before = f' class="{css}"' if css else ""
    after = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text{before} x="{x}" y="{y}"{after}>{escape(words)}</text>'


def main() -> None:
    """Turn the JSON of a run into another form."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "result", type=argparse.FileType(encoding="utf-8"), help="what run.py --json printed"
    )
    form = parser.add_mutually_exclusive_group()
    for name, function, summary in (
        ("markdown", as_markdown, "the whole table"),
        ("svg", as_svg, "a picture"),
    ):
        form.add_argument(
            f"--{name}", dest="form", action="store_const", const=function, help=summary
        )
    form.add_argument("--readme", metavar="FILE", help="put the main lines into this file")
    parser.set_defaults(form=as_text)
    options = parser.parse_args()
    report = from_json(options.result.read())
    if options.readme:
        write_readme(report, options.readme)
    else:
        sys.stdout.write(options.form(report) + "\n")


if __name__ == "__main__":
    main()
