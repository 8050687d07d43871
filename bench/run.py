"""Compare cowork-env with direnv, mise and plain Python, inside interactive shells.

    python bench/run.py [--json] [--markdown] [--smoke] [--shells bash,zsh,fish]

Run it with the Python that cowork-env is installed in. It uses temporary homes.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable

from home import without_fsync
from interactive import BenchError
from measure import OURS, SMOKE, Benchmark, Scale
from report import Report, as_json, as_markdown, as_text

SHELLS = ("bash", "zsh", "fish")


def main() -> int:
    """Parse the command line, measure, print; return the exit status."""
    options = _parse()
    begin = time.monotonic()

    def log(words: str) -> None:
        print(f"{time.monotonic() - begin:5.0f} s  {words}", file=sys.stderr)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the folder is removed
    folder = os.path.realpath(tempfile.mkdtemp(prefix="cowork-env-bench-"))
    load = os.getloadavg()[0]
    benchmark = Benchmark(SMOKE if options.smoke else Scale(), folder, options.program, log)
    try:
        with without_fsync():
            benchmark.run(options.shells)
    except (BenchError, subprocess.SubprocessError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        benchmark.close()
        shutil.rmtree(folder, ignore_errors=True)
    about = _machine(benchmark.tools, options.shells)
    if options.smoke:
        about["note"] = "smoke run: too few repetitions to compare"
    elif load > (os.cpu_count() or 1) / 2:
        about["note"] = f"not reliable: the machine was busy before this run, load {load:.1f}"
    about["seconds"] = f"{time.monotonic() - begin:.0f}"
    print(options.form(Report(about, benchmark.rows)))
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--json",
        dest="form",
        action="store_const",
        const=as_json,
        default=as_text,
        help="print everything as JSON, which bench/report.py reads",
    )
    form.add_argument(
        "--markdown",
        dest="form",
        action="store_const",
        const=as_markdown,
        help="print the table as Markdown",
    )
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="only check that everything runs: too few repetitions to compare",
    )
    parser.add_argument(
        "--shells",
        type=lambda text: [shell for shell in text.split(",") if shell],
        default=",".join(SHELLS),
        help="comma-separated shells (default: %(default)s)",
    )
    parser.add_argument(
        "--program", help="the cowork-env to measure (default: the one beside this Python)"
    )
    options = parser.parse_args()
    if unknown := set(options.shells) - set(SHELLS):
        parser.error(f"unknown shell: {', '.join(sorted(unknown))}")
    beside = os.path.join(os.path.dirname(sys.executable), OURS)
    options.program = options.program or (beside if os.path.exists(beside) else shutil.which(OURS))
    if not options.program:
        parser.error("cowork-env is not installed; use the Python that it is installed in")
    return options


def _machine(tools: dict[str, str | None], shells: Iterable[str]) -> dict[str, str]:
    """The machine, the date, and the versions of everything that was measured."""
    found = {
        "machine": (
            f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"
        ),
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "python": platform.python_version(),
    }
    for name, program in {**tools, **{shell: shutil.which(shell) for shell in shells}}.items():
        if name != OURS:
            found[name] = _version(program) if program else "not installed"
    return found


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = (line.partition(":")[2] for line in file if line.startswith("model name"))
            return next(names).strip()
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _version(program: str) -> str:
    """The first word of ``--version`` that begins with a digit."""
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [program, "--version"],
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": home, "MISE_OFFLINE": "1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    words = done.stdout.replace(",", " ").split()
    return next((word.split("(")[0] for word in words if word[:1].isdigit()), "?")


if __name__ == "__main__":
    sys.exit(main())
