"""Measure cowork-env beside direnv, mise and bare Python, inside interactive shells; print a table of ratios.

    python bench/run.py [--json] [--markdown] [--smoke] [--shells bash,zsh,fish]

Run it with the Python that cowork-env is installed in. Everything happens in a throw-away home.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator

from interactive import BenchError, Block, Session
from report import Row, as_json, as_markdown, as_text

TOOLS = ("cowork-env", "mise", "direnv")
VARIABLE = {"cowork-env": "COWORK_ENV_ACTIVE", "mise": "BENCH", "direnv": "BENCH"}
# What each tool's own installation runs at a prompt.
PROMPT = {
    ("cowork-env", "bash"): "__cowork_env_prompt",
    ("cowork-env", "zsh"): "__cowork_env_prompt",
    ("cowork-env", "fish"): "__cowork_env_prompt",
    ("direnv", "bash"): "_direnv_hook",
    ("direnv", "zsh"): "_direnv_hook",
    ("direnv", "fish"): "__direnv_export_eval",
    ("mise", "bash"): "_mise_hook_prompt_command",
    ("mise", "zsh"): "_mise_hook_precmd",
    ("mise", "fish"): "__mise_env_eval_on_prompt",
}
NEVER = float("inf")


class Plan:
    """How much is measured."""

    def __init__(self, smoke: bool) -> None:
        self.smoke = smoke
        self.rounds = 2 if smoke else 11  # each measures every tool once, in turn
        self.ours = 20 if smoke else 200  # repetitions of what takes a tenth of a millisecond
        self.steps = 4 if smoke else 20  # ... a millisecond
        self.theirs = 1 if smoke else 8  # ... a process
        self.places = 6 if smoke else 30  # pinned directories, so many first times
        self.depths = (10, 200) if smoke else (10, 50, 200)
        self.providers, self.pins = (100, 300) if smoke else (1000, 10000)


class World:
    """A throw-away home, filled through the program's own code: providers, trusted pins, and directories."""

    def __init__(
        self, name: str, base: str, providers: int, pins: int, direnv: str | None = None
    ) -> None:
        from cowork_env.core import trust
        from cowork_env.util import paths

        self.base, self.providers, self.direnv = base, providers, direnv
        self.home = os.path.join(base, name)
        os.mkdir(self.home)
        self.env = {
            k: v
            for k, v in os.environ.items()
            if k in ("PATH", "USER", "LOGNAME", "TMPDIR", "SHELL")
        }
        self.env.update(
            HOME=self.home,
            TERM="dumb",
            LC_ALL="C",
            MISE_OFFLINE="1",
            MISE_TRUSTED_CONFIG_PATHS=base,
            DIRENV_LOG_FORMAT="",
        )
        self.env["PATH"] = os.pathsep.join(
            [os.path.dirname(sys.executable), self.env.get("PATH", os.defpath)]
        )
        # fish would fill this folder by a process in the background
        os.makedirs(os.path.join(self.home, ".local/share/fish/generated_completions"))
        here = dict(os.environ)
        os.environ.clear()
        os.environ.update(self.env)
        try:
            file = os.path.join(paths.config_dir(), "agent-cowork", "providers.json")
            self.trust = trust.TrustStore(paths.state_dir())
        finally:
            os.environ.clear()
            os.environ.update(here)
        os.makedirs(os.path.dirname(file))
        with open(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as out:
            json.dump([_provider(i) for i in range(providers)], out, indent=2)
        for i in range(pins):
            self.trust.allow(f"{base}/elsewhere/{i}/.cowork-provider", b"Provider 0\n")

    def places(self, depth: int, count: int) -> list[str]:
        """``count`` pinned directories, each so many directories deep, for every tool."""
        from cowork_env.core import trust

        trunk = os.path.join(self.home, "t")
        trunk += "/d" * (depth - 1 - trunk.count("/"))
        made = []
        for i in range(count):
            place = f"{trunk}/{i}"
            os.makedirs(place, exist_ok=True)
            made.append(place)
            provider = f"Provider {i * 7 % self.providers}"
            _write(f"{place}/.cowork-provider", f"{provider}\n")
            self.trust.allow(trust.location(f"{place}/.cowork-provider"), f"{provider}\n".encode())
            _write(f"{place}/.envrc", f"export BENCH={i}\n")
            _write(f"{place}/mise.toml", f'[env]\nBENCH = "{i}"\n')
            if self.direnv:
                quiet([self.direnv, "allow", place], self.env)
        return made


def quiet(argv: list[str], env: dict[str, str]) -> None:
    """Run a program that must work."""
    result = subprocess.run(
        argv, env=env, cwd=env["HOME"], stdin=subprocess.DEVNULL, capture_output=True, timeout=60
    )
    if result.returncode:
        raise BenchError(f"{shlex.join(argv)} failed:\n{result.stderr.decode(errors='replace')}")


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _provider(i: int) -> dict[str, object]:
    return {
        "id": f"{i:08d}-0000-4000-8000-000000000000",
        "name": f"Provider {i}",
        "baseUrl": f"https://host{i}.example/api/v1",
        "authToken": f"sk-invented-{i:036d}",
        "defaultModel": "vendor/claude-sonnet-4-20250514",
        "models": {
            tier: f"vendor/claude-{tier}-4-20250514" for tier in ("opus", "sonnet", "haiku")
        },
    }


class Bench:
    """One run: its folders, the tools found, and the rows measured so far."""

    def __init__(self, plan: Plan, base: str, program: str, say: Callable[[str], None]) -> None:
        self.plan, self.base, self.program, self.say = plan, base, program, say
        self.python = sys.executable
        self.tools = {
            "cowork-env": program,
            "mise": os.environ.get("MISE") or shutil.which("mise"),
            "direnv": shutil.which("direnv"),
        }
        self.rows: list[Row] = []
        self.sessions: list[Session] = []
        self.codes = os.path.join(base, "code")
        os.mkdir(self.codes)

    def open(self, shell: str, world: World, tool: str = "") -> Session:
        """An interactive shell with one tool's hook, which has seen its first prompts."""
        path = shutil.which(shell)
        assert path
        session = Session(shell, path, world.env, world.home, self.codes)
        self.sessions.append(session)
        if tool:
            if tool == "direnv" and shell == "fish":
                session.run(
                    "set -g direnv_fish_mode disable_arrow"
                )  # or the loop would pay for it twice at each cd
            session.run(session.dialect.load(self._hook(tool, shell)))
            session.run(":")
        return session

    def _hook(self, tool: str, shell: str) -> str:
        words = {
            "cowork-env": ["hook", shell],
            "mise": ["activate", shell],
            "direnv": ["hook", shell],
        }[tool]
        return shlex.join([str(self.tools[tool]), *words])

    def close(self) -> None:
        """End all shells."""
        for session in self.sessions:
            session.close()
        self.sessions.clear()

    def found(self) -> list[str]:
        """The tools that are there."""
        return [tool for tool in TOOLS if self.tools[tool]]

    def add(
        self,
        shell: str,
        what: str,
        ours: list[float],
        beside: str,
        theirs: list[float],
        target: float,
        limit: float = NEVER,
    ) -> None:
        """One row: what it took, what that took, the ratio to reach, and perhaps the time to reach."""
        mine, other = statistics.median(ours), statistics.median(theirs) if theirs else 0.0
        self.rows.append(Row(shell, what, mine * 1e3, beside, other * 1e3, target, limit * 1e3))

    def check(self, session: Session, tool: str, place: str, shell: str, world: World) -> None:
        """Make sure that what is measured takes place."""
        session.run(f"cd {place}; {PROMPT[tool, shell]}")
        i = int(os.path.basename(place))
        wanted = f"Provider {i * 7 % world.providers}" if tool == "cowork-env" else str(i)
        if (value := session.value(VARIABLE[tool])) != wanted:
            raise BenchError(
                f"{tool} in {shell}: {VARIABLE[tool]} is '{value}' in {place}, not '{wanted}'"
            )

    def turns(self, rounds: Iterable[int] = (), seconds: float = 6) -> Iterator[int]:
        """Count the rounds of one row; after a time, on a slow or busy machine, those done must do."""
        deadline = time.monotonic() + seconds
        for done, number in enumerate(rounds or range(self.plan.rounds)):
            if done >= 3 and time.monotonic() > deadline:
                return
            yield number

    def count(self, session: Session, body: str) -> int:
        """How often to repeat what starts a process: often enough to measure, not so often as to take long."""
        return max(1, min(self.plan.theirs, int(0.04 / session.time([Block(body)])[0])))

    # The rows

    def prompts(self, shell: str, world: World) -> None:
        """A prompt at which nothing changed; then back and forth between two pinned directories."""
        sessions = {tool: self.open(shell, world, tool) for tool in self.found()}
        bare = self.open(shell, world)
        bare.run("cd /")
        empty = Block(":", self.plan.ours)
        for depth in self.plan.depths:
            place = world.places(depth, 2)[1]
            for tool, session in sessions.items():
                self.check(session, tool, place, shell, world)
            times: dict[str, list[float]] = {tool: [] for tool in sessions}
            counts = {
                tool: self.count(session, PROMPT[tool, shell]) for tool, session in sessions.items()
            }
            for _ in self.turns():
                loop = bare.time([empty])[0]
                for tool, session in sessions.items():
                    count = self.plan.ours if tool == "cowork-env" else counts[tool]
                    times[tool].append(session.time([Block(PROMPT[tool, shell], count)])[0] - loop)
            fish = shell == "fish"
            part, limit = (
                (1 / 10 if fish else 1 / 20, 2e-4 if fish else 1e-4)
                if depth == 10
                else (NEVER, NEVER)
            )
            for tool in TOOLS[1:]:
                self.add(
                    shell,
                    f"prompt, nothing changed, {depth} deep",
                    times["cowork-env"],
                    tool,
                    times.get(tool, []),
                    part,
                    limit,
                )
        one, two = world.places(10, 2)
        for tool, session in sessions.items():
            for place in (one, two):
                self.check(session, tool, place, shell, world)
        step, alone = ({tool: [] for tool in sessions} for _ in range(2))
        for _ in self.turns():
            cd = bare.time([Block(f"cd {one}; :; cd {two}; :", self.plan.steps)])[0] / 2
            for tool, session in sessions.items():
                count = self.plan.steps if tool == "cowork-env" else max(1, self.plan.theirs // 4)
                prompt = PROMPT[tool, shell]
                took = (
                    session.time([Block(f"cd {one}; {prompt}; cd {two}; {prompt}", count)])[0] / 2
                )
                step[tool].append(took)
                alone[tool].append(took - cd)
        for tool in TOOLS[1:]:
            target = 1 / 8 if tool == "mise" else NEVER
            self.add(
                shell,
                "cd to a provider seen before, and prompt",
                step["cowork-env"],
                tool,
                step.get(tool, []),
                target,
                1e-3,
            )
        for tool in TOOLS[1:]:
            self.add(
                shell,
                "... the hook alone, without the cd",
                alone["cowork-env"],
                tool,
                alone.get(tool, []),
                NEVER,
            )
        self.close()

    def firsts(self, shell: str, worlds: dict[str, tuple[World, int]]) -> None:
        """The first cd to each of many pinned directories, in homes of several sizes."""
        peers = [tool for tool in ("direnv",) if self.tools[tool]]
        small = next(iter(worlds.values()))[0]
        sessions = {
            name: self.open(shell, world, "cowork-env") for name, (world, _) in worlds.items()
        }
        sessions |= {tool: self.open(shell, small, tool) for tool in peers}
        python = f"{shlex.quote(self.python)} -I -S -c pass"
        places = {
            name: world.places(depth, self.plan.places) for name, (world, depth) in worlds.items()
        }
        places |= {tool: small.places(10, self.plan.places) for tool in peers}
        time.sleep(
            0.1
        )  # files younger than a tick of the clock are not judged by their time stamps
        for name, session in sessions.items():
            home = worlds[name][0].home if name in worlds else small.home
            session.run(f"cd {home}; {PROMPT[name if name in peers else 'cowork-env', shell]}")
        bare = self.open(shell, small)
        times: dict[str, list[float]] = {name: [] for name in sessions}
        pythons = []
        each = 3 if self.plan.smoke else 5
        for start in self.turns(range(1, self.plan.places, each), 15):
            # A "$( )" around it, as around the question of the hook
            pythons += bare.time(
                [
                    Block(
                        f"set bench_x ({python})" if shell == "fish" else f"bench_x=$({python})",
                        each,
                    )
                ]
            )
            for name, session in sessions.items():
                tool = name if name in peers else "cowork-env"
                home = worlds[name][0].home if name in worlds else small.home
                prompt = PROMPT[tool, shell]
                blocks = [
                    Block(f"cd {p}; {prompt}", 1, f"cd {home}; {prompt}")
                    for p in places[name][start : start + each]
                ]
                times[name] += session.time(blocks)
                world = worlds[name][0] if name in worlds else small
                last = places[name][start : start + each][-1]
                self.check(session, tool, last, shell, world)
        first, *others = worlds
        self.add(
            shell,
            "cd to a provider for the first time",
            times[first],
            "python3 -I -S -c pass",
            pythons,
            1.5,
        )
        self.add(
            shell,
            "cd to a provider for the first time",
            times[first],
            "direnv",
            times.get("direnv", []),
            1.0,
        )
        for name in others:
            self.add(shell, f"... {name}", times[name], f"... {first}", times[first], 1.5)
        self.close()

    def startup(self, shell: str, world: World) -> None:
        """The line in the start-up file."""
        session = self.open(shell, world)
        load = session.dialect.load(self._hook("cowork-env", shell))
        python = session.dialect.load(f"{shlex.quote(self.python)} -I -c pass")
        ours, theirs = [], []
        session.time([Block(load), Block(python)])
        for _ in self.turns():
            took = session.time([Block(load, 2), Block(python, 2)])
            ours.append(took[0])
            theirs.append(took[1])
        self.add(shell, "the line in the start-up file", ours, "python3 -I -c pass", theirs, 2)
        self.close()

    def commands(self, world: World) -> None:
        """Commands that people type."""
        import_click = [self.python, "-c", "import click"]
        cases = {"list": [self.program, "list"], "--help": [self.program, "--help"]}
        times: dict[str, list[float]] = {name: [] for name in (*cases, "click")}
        for turn in self.turns():
            for name, argv in (*cases.items(), ("click", import_click)):
                start = time.perf_counter()
                quiet(argv, world.env)
                if turn:  # the first time warms the caches
                    times[name].append(time.perf_counter() - start)
        for name in cases:
            self.add(
                "",
                f"cowork-env {name}",
                times[name],
                "python3 -c 'import click'",
                times["click"],
                1.3,
            )

    def run(self, shells: Iterable[str]) -> None:
        """All rows; shells that are missing are said to be."""
        plan = self.plan
        self.say("filling throw-away homes")
        normal = World("n", self.base, 4, 0, self.tools["direnv"])
        many, pins = f"{plan.providers:,} providers", f"{plan.pins:,} trusted pins"
        worlds = {
            "4 providers, few pins, 10 deep": (normal, 10),
            many: (World("p", self.base, plan.providers, 0), 10),
            pins: (World("t", self.base, 4, plan.pins), 10),
            "200 deep": (World("d", self.base, 4, 0), 200),
            f"{many}, {pins}, 200 deep": (World("a", self.base, plan.providers, plan.pins), 200),
        }
        for shell in shells:
            if not shutil.which(shell):
                self.say(f"{shell} is not installed")
                continue
            for part in (self.startup, self.prompts):
                self.say(f"{shell}: {part.__name__}")
                part(shell, normal)
            self.say(f"{shell}: firsts")
            self.firsts(shell, worlds)
        self.say("commands")
        self.commands(normal)


def machine(tools: dict[str, str | None], shells: Iterable[str]) -> dict[str, str]:
    """What it was measured on and with."""
    found = {
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"
    }
    found["date"] = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    found["python"] = platform.python_version()
    for name, program in {**tools, **{shell: shutil.which(shell) for shell in shells}}.items():
        if name != "cowork-env":
            found[name] = _version(program) if program else "not installed"
    return found


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(
                line.partition(":")[2].strip() for line in file if line.startswith("model name")
            )
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _version(program: str) -> str:
    with tempfile.TemporaryDirectory() as home:
        env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": home, "MISE_OFFLINE": "1"}
        text = subprocess.run(
            [program, "--version"], env=env, capture_output=True, text=True, timeout=60
        ).stdout
    return next(
        (word.split("(")[0] for word in text.replace(",", " ").split() if word[:1].isdigit()), "?"
    )


def main() -> int:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print everything as JSON (bench/report.py makes table and picture of it)",
    )
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="only see that everything runs: too few repetitions to judge by",
    )
    parser.add_argument(
        "--shells", default="bash,zsh,fish", help="which shells, separated by commas"
    )
    parser.add_argument(
        "--program", help="the cowork-env to measure (normally: the one beside this Python)"
    )
    options = parser.parse_args()
    beside = os.path.join(os.path.dirname(sys.executable), "cowork-env")
    program = options.program or (beside if os.path.exists(beside) else shutil.which("cowork-env"))
    shells = [shell for shell in options.shells.split(",") if shell]
    if unknown := set(shells) - {"bash", "zsh", "fish"}:
        parser.error(f"no such shell here: {', '.join(sorted(unknown))}")
    if not program:
        parser.error(
            "cowork-env is not installed; run this with the Python that it is installed in"
        )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # cleaning up behind it
    sync, os.fsync = (
        os.fsync,
        lambda descriptor: None,
    )  # 20,000 throw-away files need not reach the disk
    base = os.path.realpath(tempfile.mkdtemp(prefix="cowork-env-bench-"))
    load = os.getloadavg()[0]
    begin = time.monotonic()
    bench = Bench(
        Plan(options.smoke),
        base,
        program,
        lambda words: print(f"{time.monotonic() - begin:5.0f} s  {words}", file=sys.stderr),
    )
    try:
        bench.run(shells)
    except (BenchError, subprocess.SubprocessError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        bench.close()
        shutil.rmtree(base, ignore_errors=True)
        os.fsync = sync
    about = machine(bench.tools, shells)
    if load > (os.cpu_count() or 1) / 2:
        about["note"] = (
            f"the machine was busy before this began, load {load:.1f}: not to be relied on"
        )
    about["seconds"] = f"{time.monotonic() - begin:.0f}"
    if options.smoke:
        about["note"] = "smoke run: too few repetitions to judge by"
    print(
        (as_json if options.json else as_markdown if options.markdown else as_text)(
            about, bench.rows
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
