"""What the benchmark measures: a method of :class:`Benchmark` for each group of rows."""

from __future__ import annotations

import os
import shlex
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from home import TemporaryHome
from interactive import BenchError, Block, Session, first_prompt, write_startup
from report import (
    FIRST_VISIT,
    KNOWN_PROVIDER,
    NEW_PINNED_SHELL,
    NEW_SHELL,
    PROMPT,
    Row,
    Target,
)
from sources import KeySources

OURS = "cowork-env"
PEERS = ("mise", "direnv")

# The variable that each tool sets in a pinned directory.
VARIABLES = {OURS: "COWORK_ENV_ACTIVE", "mise": "BENCH", "direnv": "BENCH"}

# What each tool, installed as its manual says, calls at a prompt.
PROMPT_COMMANDS = {
    (OURS, "bash"): "__cowork_env_prompt",
    (OURS, "zsh"): "__cowork_env_prompt",
    (OURS, "fish"): "__cowork_env_prompt",
    ("direnv", "bash"): "_direnv_hook",
    ("direnv", "zsh"): "_direnv_hook",
    ("direnv", "fish"): "__direnv_export_eval",
    ("mise", "bash"): "_mise_hook_prompt_command",
    ("mise", "zsh"): "_mise_hook_precmd",
    ("mise", "fish"): "__mise_env_eval_on_prompt",
}


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    rounds: int = 11  # each measures every tool once, in turn
    prompts: int = 200  # repetitions of what takes a tenth of a millisecond
    changes: int = 20  # ... a millisecond
    processes: int = 8  # ... a process, at most
    directories: int = 30  # each is a first visit once
    visits: int = 5  # first visits in each round
    depths: tuple[int, ...] = (10, 50, 200)
    providers: int = 1000
    pins: int = 10000


SMOKE = Scale(
    rounds=2,
    prompts=20,
    changes=4,
    processes=1,
    directories=6,
    visits=3,
    depths=(10, 200),
    providers=100,
    pins=300,
)


@dataclass
class Contender:
    """A tool in its own shell, the home it runs in, and the times it took, in seconds."""

    tool: str
    home: TemporaryHome
    session: Session
    times: list[float] = field(default_factory=list)

    @property
    def prompt(self) -> str:
        """The command that this tool runs at a prompt."""
        return PROMPT_COMMANDS[self.tool, self.session.dialect.name]

    def visit(self, directory: str) -> None:
        """Enter a pinned directory; raise :class:`BenchError` unless the tool has acted on it."""
        self.session.run(f"cd {directory}; {self.prompt}")
        self.verify(directory)

    def verify(self, directory: str) -> None:
        """Raise :class:`BenchError` unless the tool has set its variable for ``directory``."""
        number = os.path.basename(directory)
        wanted = self.home.provider_in(directory) if self.tool == OURS else number
        name = VARIABLES[self.tool]
        if (value := self.session.value(name)) != wanted:
            shell = self.session.dialect.name
            raise BenchError(
                f"{self.tool} in {shell}: {name} is '{value}' in {directory}, not '{wanted}'"
            )


class Benchmark:
    """One run: its folder, the tools that are installed, and the rows measured so far.

    ``log`` is called with a few words before each part.
    """

    def __init__(self, scale: Scale, folder: str, program: str, log: Callable[[str], None]) -> None:
        self.scale, self._folder, self._log = scale, folder, log
        self.tools = {
            OURS: program,
            "mise": os.environ.get("MISE") or shutil.which("mise"),
            "direnv": shutil.which("direnv"),
        }
        self.rows: list[Row] = []
        self._sessions: list[Session] = []
        self._scripts = os.path.join(folder, "scripts")
        os.mkdir(self._scripts)

    def run(self, shells: Iterable[str]) -> None:
        """Measure everything in each of these shells that is installed."""
        scale = self.scale
        self._log("creating temporary homes")
        usual = self._home("n", direnv=self.tools["direnv"])
        providers, pins = f"{scale.providers:,} providers", f"{scale.pins:,} trusted pins"
        everything = self._home("a", providers=scale.providers, pins=scale.pins)
        homes = {
            "4 providers, few pins, 10 deep": (usual, 10),
            providers: (self._home("p", providers=scale.providers), 10),
            pins: (self._home("t", pins=scale.pins), 10),
            "200 deep": (self._home("d"), 200),
            f"{providers}, {pins}, 200 deep": (everything, 200),
        }
        for shell in shells:
            if not shutil.which(shell):
                self._log(f"{shell} is not installed")
                continue
            self._log(f"{shell}: startup")
            self.startup(shell, usual)
            self._log(f"{shell}: prompts")
            self.prompts(shell, usual)
            self._log(f"{shell}: first visits")
            self.first_visits(shell, homes)
        self._log("keys")
        self.keys(self._home("k"))
        self._log("commands")
        self.commands(usual)

    def close(self) -> None:
        """End all shells."""
        for session in self._sessions:
            session.close()
        self._sessions.clear()

    # Rows

    def startup(self, shell: str, home: TemporaryHome) -> None:
        """What a hook adds to the time until a new shell's first prompt, where nothing applies and
        in a pinned directory.
        """
        program = shutil.which(shell)
        assert program
        pinned = home.pinned_directories(10, 2)[1]
        for tool in self._installed():  # what it compiles and keeps is there in any later shell
            self._contender(shell, home, tool).visit(pinned)
        self.close()
        number = os.path.basename(pinned)
        folders = {}
        for tool in ("", *self._installed()):
            folders[tool] = os.path.join(self._scripts, f"{shell}-{tool or 'bare'}")
            command = self._hook_command(tool, shell) if tool else ""
            write_startup(shell, folders[tool], VARIABLES[tool or OURS], command)
        added: dict[str, dict[str, list[float]]] = {home.path: {}, pinned: {}}
        for count in self._rounds(range(2 * self.scale.rounds), seconds=12):
            for directory, times in added.items():
                bare = 0.0
                for tool, folder in folders.items():
                    took, shown = first_prompt(shell, program, home.env, directory, folder)
                    value = home.provider_in(pinned) if tool == OURS else number
                    if shown != (value if tool and directory == pinned else ""):
                        raise BenchError(f"{tool} in {shell}: '{shown}' at the first prompt")
                    if not tool:
                        bare = took
                    elif count:  # the first round warms the caches
                        times.setdefault(tool, []).append(took - bare)
        nothing = Target(ratio=1, ms=None if shell == "fish" else 3)
        self._add_beside_peers(shell, NEW_SHELL, added[home.path], {"direnv": nothing})
        targets = {"mise": Target(ratio=1), "direnv": Target(ratio=0.6)}
        self._add_beside_peers(shell, NEW_PINNED_SHELL, added[pinned], targets)

    def prompts(self, shell: str, home: TemporaryHome) -> None:
        """A prompt at which nothing changed; then going back and forth between two directories."""
        contenders = {tool: self._contender(shell, home, tool) for tool in self._installed()}
        bare = self._open(shell, home)
        bare.run("cd /")
        for depth in self.scale.depths:
            directory = home.pinned_directories(depth, 2)[1]
            for contender in contenders.values():
                contender.times.clear()
                contender.visit(directory)
            self._time_prompts(contenders, bare)
            target = Target()
            if depth == 10:
                fish = shell == "fish"
                target = Target(ratio=1 / 10, ms=0.2) if fish else Target(ratio=1 / 20, ms=0.1)
            self._add_beside_peers(
                shell,
                PROMPT.format(depth=depth),
                {tool: contender.times for tool, contender in contenders.items()},
                dict.fromkeys(PEERS, target),
            )
        self._known_providers(shell, home, contenders, bare)
        self.close()

    def _time_prompts(self, contenders: dict[str, Contender], bare: Session) -> None:
        """Time the prompt of each where it stands, less the empty loop."""
        empty = Block(":", self.scale.prompts)
        counts = {tool: self._repetitions(one) for tool, one in contenders.items()}
        for _ in self._rounds():
            loop = bare.time([empty])[0]
            for tool, contender in contenders.items():
                block = Block(contender.prompt, counts[tool])
                contender.times.append(contender.session.time([block])[0] - loop)

    def _known_providers(
        self, shell: str, home: TemporaryHome, contenders: dict[str, Contender], bare: Session
    ) -> None:
        one, two = home.pinned_directories(10, 2)
        for contender in contenders.values():
            contender.visit(one)
            contender.visit(two)
        whole: dict[str, list[float]] = {tool: [] for tool in contenders}
        hook: dict[str, list[float]] = {tool: [] for tool in contenders}
        for _ in self._rounds():
            cd = bare.time([Block(f"cd {one}; :; cd {two}; :", self.scale.changes)])[0] / 2
            for tool, contender in contenders.items():
                ours = tool == OURS
                count = self.scale.changes if ours else max(1, self.scale.processes // 4)
                prompt = contender.prompt
                body = f"cd {one}; {prompt}; cd {two}; {prompt}"
                took = contender.session.time([Block(body, count)])[0] / 2
                whole[tool].append(took)
                hook[tool].append(took - cd)
        targets = {"mise": Target(ratio=1 / 8, ms=1), "direnv": Target(ms=1)}
        self._add_beside_peers(shell, KNOWN_PROVIDER, whole, targets)
        self._add_beside_peers(shell, "... without the cd itself", hook, {})

    def first_visits(self, shell: str, homes: dict[str, tuple[TemporaryHome, int]]) -> None:
        """The first cd to each of many pinned directories, in homes of several sizes.

        ``homes`` maps a description to a home and how deep its directories are; the first is the
        one that direnv is measured in and that the others are compared with.
        """
        usual, *larger = homes
        contenders = {name: self._contender(shell, home, OURS) for name, (home, _) in homes.items()}
        directories = {
            name: home.pinned_directories(depth, self.scale.directories)
            for name, (home, depth) in homes.items()
        }
        if self.tools["direnv"]:
            contenders["direnv"] = self._contender(shell, homes[usual][0], "direnv")
            directories["direnv"] = directories[usual]
        time.sleep(0.1)  # timestamps younger than a clock tick do not prove that nothing changed
        for contender in contenders.values():
            contender.session.run(f"cd {contender.home.path}; {contender.prompt}")
        bare = self._open(shell, homes[usual][0])
        pythons: list[float] = []
        python = f"{shlex.quote(sys.executable)} -I -S -c pass"
        # In a command substitution, as the hook starts it.
        substitution = f"set bench_x ({python})" if shell == "fish" else f"bench_x=$({python})"
        count = self.scale.visits
        for start in self._rounds(range(1, self.scale.directories, count), seconds=15):
            pythons += bare.time([Block(substitution, count)])
            for name, contender in contenders.items():
                home, prompt = contender.home.path, contender.prompt
                visited = directories[name][start : start + count]
                contender.times += contender.session.time(
                    [Block(f"cd {one}; {prompt}", 1, f"cd {home}; {prompt}") for one in visited]
                )
                contender.visit(visited[-1])
        times = {name: _median_ms(contender.times) for name, contender in contenders.items()}
        ours = times[usual]
        startup = _median_ms(pythons)
        self._add(
            Row(shell, FIRST_VISIT, ours, "python3 -I -S -c pass", startup, Target(ratio=1.5)),
            Row(shell, FIRST_VISIT, ours, "direnv", times.get("direnv"), Target(ratio=1)),
        )
        for name in larger:
            self._add(
                Row(shell, f"... {name}", times[name], f"... {usual}", ours, Target(ratio=1.5))
            )
        self.close()

    def keys(self, home: TemporaryHome) -> None:
        """The first cd to a provider, by where its key is, in bash."""
        shell = "bash"
        if not shutil.which(shell):
            return
        sources = KeySources(home)
        try:
            places = list(sources.places)
            directories = self._directories_of_keys(home, list(sources.places.values()))
            contender = self._contender(shell, home, OURS)
            bare = self._open(shell, home)
            python = f"{shlex.quote(sys.executable)} -I -S -c pass"
            times: dict[str, list[float]] = {place: [] for place in ("", *places)}
            away = f"cd {home.path}; {contender.prompt}"
            for number in self._rounds(seconds=15):
                times[""] += bare.time([Block(f"bench_x=$({python})")])
                for place, made in zip(places, directories, strict=True):
                    block = Block(f"cd {made[number]}; {contender.prompt}", 1, away)
                    times[place] += contender.session.time([block])
                    contender.verify(made[number])
            peer = _median_ms(times.pop(""))
            for place, took in times.items():
                what = f"{FIRST_VISIT}, its key: {place}"
                self._add(Row(shell, what, _median_ms(took), "python3 -I -S -c pass", peer))
        finally:
            self.close()
            sources.close()

    def _directories_of_keys(
        self, home: TemporaryHome, places: list[dict[str, str]]
    ) -> list[list[str]]:
        """Directories for each place of a key, one for each round, each with its own provider."""
        rounds = self.scale.rounds
        home.write_providers([one for one in places for _ in range(rounds)])
        made = home.pinned_directories(10, len(places) * rounds)
        # One each: 7, by which they are spread, divides no number of them.
        by_provider = sorted(made, key=lambda one: int(home.provider_in(one).split()[1]))
        return [by_provider[i : i + rounds] for i in range(0, len(made), rounds)]

    def commands(self, home: TemporaryHome) -> None:
        """Commands that users type and scripts run: the last ones in a pinned directory, as their
        peers.
        """
        ours = str(self.tools[OURS])
        click, python = "python3 -c 'import click'", "python3 -I -c pass"
        words = ["_COWORK_ENV_COMPLETE=zsh", "_COWORK_ENV_WORDS=use\x1f"]
        commands = {
            "a Tab: cowork-env use": (["env", *words, ours], click, Target(ratio=1.5)),
            "cowork-env list": ([ours, "list"], click, Target(ratio=1.3)),
            "cowork-env --help": ([ours, "--help"], click, Target(ratio=1.3)),
            "cowork-env status --short": ([ours, "status", "--short"], click, Target()),
            "cowork-env exec true": ([ours, "exec", "true"], python, Target(ratio=2)),
            "launcher for claude": (home.launcher(), python, Target(ratio=2)),
            "cowork-env export": ([ours, "export", "--format", "bash"], python, Target()),
        }
        beside = {
            click: [sys.executable, "-c", "import click"],
            python: [sys.executable, "-I", "-c", "pass"],
        }
        peers = {
            "mise": {"exec true": ["exec", "--", "true"], "export": ["env", "-s", "bash"]},
            "direnv": {"exec true": ["exec", ".", "true"], "export": ["export", "bash"]},
        }
        for tool, forms in peers.items():
            if self.tools[tool]:
                for form, arguments in forms.items():
                    beside[f"{tool} {form}"] = [str(self.tools[tool]), *arguments]
        times: dict[str, list[float]] = {name: [] for name in (*commands, *beside)}
        directory = home.pinned_directories(10, 2)[1]
        for number in self._rounds():
            for name in times:
                argv = commands[name][0] if name in commands else beside[name]
                start = time.perf_counter()
                home.run(argv, directory)
                if number:  # the first round warms the caches
                    times[name].append(time.perf_counter() - start)
        ms = {name: _median_ms(took) for name, took in times.items()}
        for name, (_, peer, target) in commands.items():
            self._add(Row("", name, ms[name], peer, ms[peer], target))
            for tool in PEERS:
                other = name.replace(OURS, tool)
                if other in beside:  # A launcher has no peer.
                    self._add(Row("", name, ms[name], other, ms[other]))

    # Parts that the rows share

    def _home(
        self, name: str, providers: int = 4, pins: int = 0, direnv: str | None = None
    ) -> TemporaryHome:
        path = os.path.join(self._folder, name)
        return TemporaryHome(path, providers=providers, pins=pins, direnv=direnv)

    def _installed(self) -> list[str]:
        return [tool for tool in (OURS, *PEERS) if self.tools[tool]]

    def _open(self, shell: str, home: TemporaryHome) -> Session:
        """Start an interactive shell without any tool's hook."""
        path = shutil.which(shell)
        assert path
        session = Session(shell, path, home.env, home.path, self._scripts)
        self._sessions.append(session)
        return session

    def _contender(self, shell: str, home: TemporaryHome, tool: str) -> Contender:
        """Start an interactive shell with one tool's hook, up to its first prompts."""
        session = self._open(shell, home)
        if (tool, shell) == ("direnv", "fish"):
            # Otherwise the loop would pay for direnv twice at each cd.
            session.run("set -g direnv_fish_mode disable_arrow")
        session.run(session.dialect.load(self._hook_command(tool, shell)))
        session.run(":")
        return Contender(tool, home, session)

    def _hook_command(self, tool: str, shell: str) -> str:
        """The command whose output a startup file evaluates."""
        return shlex.join([str(self.tools[tool]), "activate" if tool == "mise" else "hook", shell])

    def _rounds(self, rounds: Iterable[int] = (), seconds: float = 6) -> Iterator[int]:
        """Count the rounds of one row; on a slow or busy machine, stop early after three."""
        deadline = time.monotonic() + seconds
        for done, number in enumerate(rounds or range(self.scale.rounds)):
            if done >= 3 and time.monotonic() > deadline:
                return
            yield number

    def _repetitions(self, contender: Contender) -> int:
        """How often to repeat a prompt: enough to be measured, without taking long."""
        if contender.tool == OURS:
            return self.scale.prompts
        once = contender.session.time([Block(contender.prompt)])[0]
        return max(1, min(self.scale.processes, int(0.04 / once)))

    def _add(self, *rows: Row) -> None:
        self.rows += rows

    def _add_beside_peers(
        self, shell: str, what: str, times: dict[str, list[float]], targets: dict[str, Target]
    ) -> None:
        """Add a row for each peer; ``times`` are in seconds."""
        ours = _median_ms(times[OURS])
        for peer in PEERS:
            peer_ms = _median_ms(times[peer]) if peer in times else None
            self._add(Row(shell, what, ours, peer, peer_ms, targets.get(peer, Target())))


def _median_ms(seconds: list[float]) -> float:
    return statistics.median(seconds) * 1000
