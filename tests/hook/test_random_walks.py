"""Random walks in real shells, and beside them a small model of what the environment must be after every prompt.

The model is written from the contract, and uses nothing of the program. ``COWORK_ENV_STEPS`` asks for more steps.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from support.home import Home, need
from support.shells import HOOK, SHELLS
from support.terminal import Terminal

STEPS = int(os.environ.get("COWORK_ENV_STEPS", "150"))
SESSION = 50  # steps in one shell

URL, TOKEN, API_KEY = "ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"
CARRIED = (URL, TOKEN, API_KEY)
FLAG, ACTIVE = "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST", "COWORK_ENV_ACTIVE"
TIERS = ("opus", "sonnet", "haiku", "fable")
ALWAYS = (
    *CARRIED,
    "ANTHROPIC_MODEL",
    *(f"ANTHROPIC_DEFAULT_{t.upper()}_MODEL" for t in TIERS),
    FLAG,
    ACTIVE,
    "ANTHROPIC_API_URL",
    "ANTHROPIC_API_BASE_URL",
    "ANTHROPIC_UNIX_SOCKET",
    "ANTHROPIC_CUSTOM_HEADERS",
    "ANTHROPIC_SMALL_FAST_MODEL",
    "CLAUDE_CODE_SUBAGENT_MODEL",
    "CLAUDE_CODE_OAUTH_TOKEN",
    *(
        f"CLAUDE_CODE_USE_{c}"
        for c in ("BEDROCK", "VERTEX", "FOUNDRY", "GATEWAY", "MANTLE", "ANTHROPIC_AWS")
    ),
)
EXTRA = "MODEL_TEST_EXTRA"
WATCHED = (*ALWAYS, EXTRA)


class Pinned:
    """What a pin's text means."""

    def __init__(self, text: str) -> None:
        lines = [line.strip() for line in text.split("\n")]
        lines = [line for line in lines if line and not line.startswith("#")]
        pairs = [[part.strip() for part in line.split("=", 1)] for line in lines[1:]]
        self.good = bool(lines) and all(
            len(p) == 2 and p[0] in ("model", *TIERS, "required") for p in pairs
        )
        self.word = lines[0] if lines else ""
        self.models = {p[0]: p[1] for p in pairs if len(p) == 2 and p[0] in ("model", *TIERS)}
        self.required = ["required", "true"] in pairs


class World:
    """Everything outside the shells: files, and what was said about them."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.serial = 0
        self.pairs: set[tuple[str, str]] = {("http://unresolved.cowork-env.invalid", "unresolved")}
        self.entries: list[dict[str, Any]] = []
        self.pins: dict[Path, str] = {}
        self.allowed: set[tuple[Path, str]] = set()
        self.below: set[Path] = set()
        self.denied: set[Path] = set()
        self.selection = ""
        self.secret_file = home.path / "secret"

    def fresh_values(self, entry: dict[str, Any]) -> None:
        """Another URL and another key for an entry; the two belong together and to nothing else."""
        self.serial += 1
        tag = f"{entry['id'] or entry['name']}-{self.serial}"
        entry["baseUrl"] = f"https://{tag.replace(' ', '-')}.example" + (
            "/v1" if self.serial % 3 == 0 else ""
        )
        if entry.get("authTokenFrom", "").startswith("file:"):
            self.fresh_secret(tag)
        elif "authToken" in entry:
            entry["authToken"] = f"key-{tag}"

    def fresh_secret(self, tag: str) -> None:
        """Another key in the file that one provider's key comes from."""
        self.serial += 1
        self.secret_file.write_text(f"key-{tag}-{self.serial}\n")

    def key(self, entry: dict[str, Any]) -> str:
        if "authTokenFrom" in entry:
            return self.secret_file.read_text().strip() if self.secret_file.exists() else ""
        key = str(entry.get("authToken", ""))
        return "" if key.startswith("ENC:") else key

    def find(self, word: str) -> dict[str, Any] | None:
        for entry in self.entries:
            if word in (entry["id"] or None, entry["name"]):
                return entry
        return None

    def choose(self, directory: Path, variable: str) -> tuple[str, dict[str, str], bool]:
        """The word of the rule that applies, a pin's models, and whether it is required."""
        if variable:
            return variable, {}, False
        for place in (directory, *directory.parents):
            text = self.pins.get(place)
            if text is None or place in self.denied:
                continue
            if (place, text) in self.allowed or any(
                d in self.below for d in (place, *place.parents)
            ):
                pin = Pinned(text)
                return (pin.word if pin.good else "bad pin"), pin.models, pin.required
        return self.selection, {}, False

    def wanted(self, directory: Path, variable: str) -> tuple[str, dict[str, str | None]] | None:
        """The key and the target that apply in a directory."""
        word, models, required = self.choose(directory, variable)
        if not word or word == "none":
            return None
        entry = self.find(word)
        target: dict[str, str | None] = dict.fromkeys(ALWAYS)
        if entry is not None:
            key, extra = self.key(entry), entry.get("env", {})
            direct = any(n.startswith("CLAUDE_CODE_USE_") and v for n, v in extra.items())
            if key or (direct and "authToken" not in entry and "authTokenFrom" not in entry):
                if key and entry.get("baseUrl"):
                    target[URL] = entry["baseUrl"].removesuffix("/v1")
                    target[API_KEY if entry.get("auth") == "api-key" else TOKEN] = key
                    self.pairs.add((str(target[URL]), key))
                default = models.get("model") or entry.get("defaultModel")
                target["ANTHROPIC_MODEL"] = default
                for tier in TIERS:
                    own = models.get(tier) or entry.get("models", {}).get(tier)
                    target[f"ANTHROPIC_DEFAULT_{tier.upper()}_MODEL"] = own or default
                target[FLAG] = "1"
                target[ACTIVE] = entry["name"]
                for name, value in extra.items():
                    if value:
                        target[name] = value
                    else:
                        del target[name]
                return entry["id"] or entry["name"], target
        if not required:
            return None
        target[URL], target[TOKEN], target[FLAG] = (
            "http://unresolved.cowork-env.invalid",
            "unresolved",
            "1",
        )
        return "unresolved", target


class Model:
    """One shell: its environment, and what is active in it."""

    def __init__(self, world: World, env: dict[str, str], directory: Path) -> None:
        self.world, self.env, self.directory = world, env, directory
        self.variable = ""
        self.stack: list[Path] = []
        self.active = ""
        self.given: dict[str, str | None] = {}
        self.before: dict[str, str | None] = {}

    def nested(self) -> Model:
        """A shell started in this one."""
        child = Model(self.world, dict(self.env), self.directory)
        child.variable, child.active = self.variable, self.active
        child.given, child.before = dict(self.given), dict(self.before)
        child.prompt(fresh=True)
        return child

    def put(self, name: str, value: str | None) -> None:
        if value is None:
            self.env.pop(name, None)
        else:
            self.env[name] = value

    def leave(self) -> None:
        for name, value in self.given.items():
            if self.env.get(name) == value:
                self.put(name, self.before[name])
        self.active, self.given, self.before = "", {}, {}

    def prompt(self, fresh: bool = False) -> None:
        """What a prompt has to do."""
        found = self.world.wanted(self.directory.resolve(), self.variable)
        if found is None:
            self.leave()
            return
        key, target = found
        if self.active != key:
            self.leave()
            self.active = key
        parted = any(n in self.given and self.env.get(n) != self.given[n] for n in CARRIED)
        for name in (*target, *(n for n in self.given if n not in target)):
            live = self.env.get(name)
            ours = name in self.given and live == self.given[name]
            if name in self.given and not fresh and (parted if name in CARRIED else not ours):
                if name not in target:
                    del self.given[name], self.before[name]
                continue  # the person's own by now
            if name in target:
                self.before[name] = self.before[name] if ours else live
                self.given[name] = target[name]
                self.put(name, target[name])
            else:
                if ours:
                    self.put(name, self.before[name])
                del self.given[name], self.before[name]

    def held(self) -> set[str]:
        """What is not as it was made: the person's own by now."""
        return {n for n, value in self.given.items() if self.env.get(n) != value}

    def by_hand(self) -> bool:
        """Whether the person has put one of what belongs together to something else."""
        return any(n in self.given and self.env.get(n) != self.given[n] for n in CARRIED) or any(
            self.env.get(n, "").startswith("hand") for n in CARRIED
        )


class Walk:
    """A walk in one real shell. ``random`` chooses the way, and may be another at each step."""

    random: Random

    def __init__(self, shell: str, home: Home) -> None:
        self.shell, self.home = shell, home
        self.calm, self.seen = 0, {}
        world = self.world = World(home)
        people = {"Alpha": "a-id", "Beta": "b-id", "Gamma": "", "Delta": "d-id", "Cloud": "c-id"}
        for number, (name, identity) in enumerate(people.items()):
            entry: dict[str, Any] = {
                "id": identity,
                "name": name,
                "defaultModel": f"model-{number}",
            }
            if name == "Delta":
                entry["authTokenFrom"] = f"file:{world.secret_file}"
            elif name != "Cloud":
                entry["authToken"] = "x"
            if name == "Cloud":
                entry["env"] = {"CLAUDE_CODE_USE_BEDROCK": "1"}
            else:
                world.fresh_values(entry)
            world.entries.append(entry)
        self.write(rename=False)
        root = home.path / "w"
        self.places = [
            root / p for p in ("p1", "p1/deep", "p1/deep/er", "p2", "p2/in", "plain", "plain/sub")
        ] + [root, home.path]
        for place in self.places:
            place.mkdir(parents=True, exist_ok=True)
        (root / "link").symlink_to(root / "p1/deep")
        (root / "plain/over").symlink_to(root / "p2")
        self.ways = [
            *self.places,
            root / "link",
            root / "link/er",
            root / "plain/over",
            root / "plain/over/in",
        ]
        for place, word in (
            ("p1", "Alpha"),
            ("p2", "b-id"),
            ("p1/deep", "Alpha\nmodel = deeper"),
            ("plain/sub", "Delta"),
        ):
            self.pin(root / place, word + "\n", True)
        own = {
            "ANTHROPIC_MODEL": "mine",
            "ANTHROPIC_CUSTOM_HEADERS": "",
            "CLAUDE_CODE_SUBAGENT_MODEL": "own sub",
        }
        self.terminal = Terminal(shell, home, env=own)
        self.terminal.child.delaybeforesend = None
        self.models = [Model(world, dict(own), home.path)]
        self.model.prompt(fresh=True)

    @property
    def model(self) -> Model:
        return self.models[-1]

    # What the world does.

    def write(self, rename: bool) -> None:
        """Write the provider file, in place or by renaming another over it."""
        entries = [{k: v for k, v in e.items() if k != "id" or v} for e in self.world.entries]
        file = self.home.file
        if rename:
            other = file.with_suffix(".other")
            other.write_text(json.dumps(entries))
            other.rename(file)
        else:
            self.home.providers(entries)

    def pin(self, place: Path, text: str, allow: bool) -> None:
        (place / ".cowork-provider").write_text(text)
        self.world.pins[place] = text
        if allow:
            self.allow(place)

    def trust(self) -> Any:
        from cowork_env.core.trust import TrustStore

        return TrustStore(str(self.home.state))

    def allow(self, place: Path) -> None:
        if place in self.world.pins:
            text = self.world.pins[place]
            self.trust().allow(str(place / ".cowork-provider"), text.encode())
            self.world.allowed.add((place, text))
            self.world.denied.discard(place)

    def deny(self, place: Path) -> None:
        self.trust().deny(str(place / ".cowork-provider"))
        self.world.denied.add(place)
        self.world.allowed = {(p, t) for p, t in self.world.allowed if p != place}

    # The steps: each does something to the world or says what to type, and moves the model along.

    def step_cd(self) -> str:
        way = self.random.choice(self.ways)
        self.model.directory = way
        return f"cd {way}"

    def step_pushd(self) -> str:
        way = self.random.choice(self.ways)
        self.model.stack.append(self.model.directory)
        self.model.directory = way
        return f"pushd {way} >/dev/null"

    def step_popd(self) -> str:
        if not self.model.stack:
            return "true"
        self.model.directory = self.model.stack.pop()
        return "popd >/dev/null"

    def step_edit_provider(self) -> str:
        entry = self.random.choice(self.world.entries)
        kind = self.random.randrange(8)
        if entry["name"].startswith("Cloud"):
            kind = 2 + kind % 3
        if kind <= 1:
            self.world.fresh_values(entry)
        elif kind == 2:
            self.world.serial += 1
            entry["defaultModel"] = f"model-{self.world.serial}"
        elif kind == 3:
            entry["models"] = {t: f"{t}-model" for t in TIERS if self.random.random() < 0.5}
        elif kind == 4:
            keep = {"CLAUDE_CODE_USE_BEDROCK": "1"} if entry["name"].startswith("Cloud") else {}
            some = {
                EXTRA: "it's \\ \"$(x)`",
                FLAG: "",
                "ANTHROPIC_CUSTOM_HEADERS": "A: b\nC: d",
                "ANTHROPIC_MODEL": "by env",
            }
            entry["env"] = keep | {k: v for k, v in some.items() if self.random.random() < 0.4}
        elif kind == 5:
            entry["auth"] = "bearer" if entry.get("auth") == "api-key" else "api-key"
        elif kind == 6 and "authToken" in entry:
            entry["authToken"] = self.random.choice(["", "ENC:v1:AAAA"])
        else:
            self.world.fresh_values(entry)
        self.write(rename=self.random.random() < 0.5)
        return "true"

    def step_secret(self) -> str:
        self.world.fresh_secret("d-id")
        return "true"

    def step_remove_provider(self) -> str:
        if len(self.world.entries) > 2:
            self.world.entries.remove(self.random.choice(self.world.entries))
            self.write(rename=self.random.random() < 0.5)
        return "true"

    def step_add_provider(self) -> str:
        for name, identity in (
            ("Alpha", "a-id"),
            ("Beta", "b-id"),
            ("Gamma", ""),
            ("Delta", "d-id"),
        ):
            if not any(e["name"].startswith(name) for e in self.world.entries):
                entry = {"id": identity, "name": name, "defaultModel": "again"}
                entry["authTokenFrom" if name == "Delta" else "authToken"] = (
                    f"file:{self.world.secret_file}" if name == "Delta" else "x"
                )
                self.world.fresh_values(entry)
                self.world.entries.insert(self.random.randrange(len(self.world.entries) + 1), entry)
                self.write(rename=self.random.random() < 0.5)
                break
        return "true"

    def step_rename_provider(self) -> str:
        entry = self.random.choice(self.world.entries)
        entry["name"] = (
            entry["name"].removesuffix(" II")
            if entry["name"].endswith(" II")
            else entry["name"] + " II"
        )
        self.write(rename=self.random.random() < 0.5)
        return "true"

    def step_edit_pin(self) -> str:
        place = self.random.choice(self.places)
        word = self.random.choice(
            ["Alpha", "Beta", "Gamma", "Delta", "Cloud", "a-id", "b-id", "none", "Nobody"]
        )
        more = self.random.choice(
            [
                "",
                "",
                "model = pinned\n",
                "opus = pinned-opus\n# a comment\n",
                "required = true\n",
                "url = http://x\n",
            ]
        )
        self.pin(place, f"{word}\n{more}", self.random.random() < 0.7)
        return "true"

    def step_unpin(self) -> str:
        if self.world.pins:
            place = self.random.choice(sorted(self.world.pins))
            (place / ".cowork-provider").unlink()
            del self.world.pins[place]
        return "true"

    def step_allow(self) -> str:
        if self.world.pins:
            self.allow(self.random.choice(sorted(self.world.pins)))
        return "true"

    def step_deny(self) -> str:
        if self.world.pins:
            self.deny(self.random.choice(sorted(self.world.pins)))
        return "true"

    def step_below(self) -> str:
        place = self.random.choice(self.places)
        if place in self.world.below:
            self.trust().deny_below(str(place))
            self.world.below.discard(place)
        else:
            self.trust().allow_below(str(place))
            self.world.below.add(place)
        return "true"

    def step_use(self) -> str:
        self.world.selection = self.random.choice(["", "none", "Beta", "a-id", "Gamma", "Nobody"])
        (self.home.state / "selection").write_text(self.world.selection + "\n")
        return "true"

    def step_command(self) -> str:
        """The program's own commands, typed at the prompt."""
        known = [e["name"] for e in self.world.entries if self.world.key(e)]
        kind = self.random.choice(["use", "reload", "reload", "pin", "allow", "deny"])
        here = self.model.directory.resolve()
        if kind == "use" and known:
            name = self.random.choice([*known, "none"])
            found = self.world.find(name)
            self.world.selection = (found["id"] or name) if found else name
            return f"cowork-env use '{name}' >/dev/null 2>&1"
        if kind == "pin" and known and self.model.directory == here:
            name = self.random.choice(known)
            return f"cowork-env pin '{name}' >/dev/null 2>&1"
        if kind == "deny" and here in self.world.pins:
            self.world.denied.add(here)
            self.world.allowed = {(p, t) for p, t in self.world.allowed if p != here}
            self.world.below.discard(here)
            return f"cowork-env deny {here} >/dev/null 2>&1"
        return "cowork-env reload >/dev/null 2>&1"

    def step_hand_set(self) -> str:
        name = self.random.choice(
            [
                *CARRIED,
                *CARRIED,
                "ANTHROPIC_MODEL",
                "ANTHROPIC_CUSTOM_HEADERS",
                "ANTHROPIC_DEFAULT_OPUS_MODEL",
                EXTRA,
                FLAG,
            ]
        )
        self.world.serial += 1
        value = self.random.choice([f"hand-{self.world.serial}", f"hand-{self.world.serial}", ""])
        if name in CARRIED and not value:
            value = "hand-key"
        self.model.env[name] = value
        return f"set -gx {name} '{value}'" if self.shell == "fish" else f"export {name}='{value}'"

    def step_hand_unset(self) -> str:
        name = self.random.choice(
            [
                *WATCHED[:5],
                "ANTHROPIC_DEFAULT_OPUS_MODEL",
                EXTRA,
                FLAG,
                ACTIVE,
                "ANTHROPIC_CUSTOM_HEADERS",
            ]
        )
        self.model.env.pop(name, None)
        return f"set -e {name}" if self.shell == "fish" else f"unset {name}"

    def step_tidy(self) -> str:
        """The person takes back everything of what belongs together that is theirs."""
        gone = [n for n in CARRIED if self.model.env.get(n, "").startswith("hand")]
        for name in gone:
            del self.model.env[name]
        if not gone:
            return "true"
        return ("set -e " if self.shell == "fish" else "unset ") + " ".join(gone)

    def step_variable(self) -> str:
        self.model.variable = self.random.choice(["", "", "none", "Alpha", "b-id", "Nobody"])
        if not self.model.variable:
            return "set -e COWORK_PROVIDER" if self.shell == "fish" else "unset COWORK_PROVIDER"
        if self.shell == "fish":
            return f"set -gx COWORK_PROVIDER {self.model.variable}"
        return f"export COWORK_PROVIDER={self.model.variable}"

    def step_lose_state(self) -> str:
        """Somebody takes the state away: what the shell itself knows is put back, and the provider comes anew."""
        self.model.leave()
        return "set -e COWORK_ENV_STATE" if self.shell == "fish" else "unset COWORK_ENV_STATE"

    def step_nested(self) -> str:
        if len(self.models) > 2:
            return "true"
        return "NEST"

    def step_exit(self) -> str:
        if len(self.models) == 1:
            return "true"
        self.models.pop()
        return "exit"

    def step_exec(self) -> str:
        return "EXEC"

    def step_hook_again(self) -> str:
        return HOOK[self.shell]

    def step(self) -> None:
        steps: dict[Callable[[], str], int] = {
            self.step_cd: 30,
            self.step_pushd: 6,
            self.step_popd: 6,
            self.step_edit_provider: 14,
            self.step_secret: 3,
            self.step_remove_provider: 1,
            self.step_add_provider: 4,
            self.step_rename_provider: 3,
            self.step_edit_pin: 10,
            self.step_unpin: 3,
            self.step_allow: 6,
            self.step_deny: 3,
            self.step_below: 2,
            self.step_use: 4,
            self.step_command: 3,
            self.step_hand_set: 7,
            self.step_hand_unset: 6,
            self.step_tidy: 6,
            self.step_variable: 6,
            self.step_lose_state: 2,
            self.step_nested: 2,
            self.step_exit: 2,
            self.step_exec: 1,
            self.step_hook_again: 2,
        }
        if self.model.active == "unresolved":
            # No provider that one stays with: moving on may assert it again over what was set by hand.
            for by_hand in (self.step_hand_set, self.step_hand_unset, self.step_tidy):
                del steps[by_hand]
        if self.calm == 0:
            self.calm = self.random.choice([-6, -6, 12])
        if self.calm > 0:
            # For a while only this shell does something: what it remembers stays good for that long.
            local = (
                self.step_cd,
                self.step_pushd,
                self.step_popd,
                self.step_hand_set,
                self.step_hand_unset,
                self.step_tidy,
                self.step_variable,
            )
            steps = {s: w for s, w in steps.items() if s in local}
        self.calm += -1 if self.calm > 0 else 1
        held, shells = self.model.held(), len(self.models)
        chosen = self.random.choices(list(steps), list(steps.values()))[0]
        line = chosen()
        while line == "true" and self.random.random() < 0.3:
            # Several changes between two prompts, as fast as may be.
            note(f"{chosen.__name__} and")
            world = [
                s
                for s in steps
                if s
                not in (
                    self.step_nested,
                    self.step_exit,
                    self.step_exec,
                    self.step_hook_again,
                    self.step_command,
                )
            ]
            chosen = self.random.choice(world)
            line = chosen()
        if (
            len(self.models) == shells
            and held - self.model.held()
            and chosen in (self.step_hand_set, self.step_hand_unset, self.step_tidy)
        ):
            # The person took a change back. That alone is not looked at, at a prompt where nothing else changed.
            line += "; cowork-env reload >/dev/null 2>&1"
        note(f"{chosen.__name__}: {line}")
        plain = {"bash": "bash -i", "zsh": "zsh -i", "fish": "fish"}[self.shell]
        if line in ("NEST", "EXEC"):
            said = self.terminal.run(plain if line == "NEST" else f"exec {plain}")
            if line == "NEST":
                self.models.append(self.model.nested())
            else:
                self.models[-1] = self.model.nested()
        elif line.startswith(("cd ", "pushd", "popd")) and self.random.random() < 0.5:
            # On one line: what follows the change of directory already has it.
            seen = self.terminal.env(line)
            said = ""
            self.model.prompt()
            self.check(seen)
        else:
            said = self.terminal.run(line)
            if line.startswith("cowork-env pin"):
                here = self.model.directory.resolve()
                self.pin(here, (here / ".cowork-provider").read_text(), False)
                self.world.allowed.add((here, self.world.pins[here]))
                self.world.denied.discard(here)
            self.model.prompt(fresh=line == HOOK[self.shell])
        for told in said.replace("exit\n", "").split("\n"):
            assert not told or told.startswith("cowork-env: "), told
        self.check(self.terminal.env())

    def check(self, env: dict[str, str]) -> None:
        """The exact values of all managed variables; and whatever the model says, no key beside another's URL."""
        self.seen = {n: env[n] for n in WATCHED if n in env}
        url, keys = env.get(URL), [env[n] for n in (TOKEN, API_KEY) if n in env]
        if not self.model.by_hand():
            assert len(keys) == (0 if url is None else 1)
            assert url is None or (url, keys[0]) in self.world.pairs
        assert self.seen == {n: self.model.env[n] for n in WATCHED if n in self.model.env}
        assert ("COWORK_ENV_STATE" in env) == bool(self.model.active)
        state = env.get("COWORK_ENV_STATE", "")
        assert "key-" not in unquote(state)
        assert not [n for n in env if n.startswith("__cowork_env")]


def walk(shell: str, folder: Path, line: str = "true", shrink: bool = True) -> int:
    """Let hypothesis walk; the number of steps taken. ``line`` is typed first in every shell."""
    steps = 0

    class Session(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.walk = Walk(shell, Home(Path(tempfile.mkdtemp(dir=folder))))
            self.walk.terminal.run(line)

        # The first finds what is odd, the second goes everywhere alike.
        @rule(random=st.randoms() | st.randoms(use_true_random=True))
        def step(self, random: Random) -> None:
            nonlocal steps
            steps += 1
            self.walk.random = random
            try:
                self.walk.step()
            except BaseException:
                world, env = self.walk.world, self.walk.model.env
                note(f"model { ({n: env[n] for n in WATCHED if n in env}) }")
                note(f"seen  {self.walk.seen}")
                note(f"pins {world.pins}, denied {world.denied}, below {world.below}")
                raise

        def teardown(self) -> None:
            self.walk.terminal.close()

    run_state_machine_as_test(
        Session,
        settings=settings(
            max_examples=max(1, STEPS // SESSION),
            stateful_step_count=SESSION,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
            report_multiple_bugs=False,
            phases=list(Phase) if shrink else [Phase.generate],
        ),
    )
    return steps


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.timeout(600 + STEPS)
def test_walk(shell: str, tmp_path: Path) -> None:
    """After every prompt of a random session the environment is what the model says; a failure comes as a short one."""
    need(shell)
    print(f"{walk(shell, tmp_path)} steps")


@pytest.fixture(params=SHELLS)
def terminal(request: pytest.FixtureRequest, home: Home) -> Iterator[Terminal]:
    """A shell with a provider whose key is in a file, two forms of another, and a third."""
    entries = [
        {
            "name": "Filed",
            "baseUrl": "https://filed.example",
            "authTokenFrom": f"file:{home.path}/secret",
        },
        {
            "name": "Plain",
            "baseUrl": "https://plain.example",
            "authToken": "plain-key",
            "defaultModel": "m",
        },
        {"name": "Third", "baseUrl": "https://third.example", "authToken": "third-key"},
    ]
    home.providers(entries)
    for place, text in (
        ("filed", "Filed\n"),
        ("plain", "Plain\n"),
        ("other", "Plain\nmodel = other\n"),
        ("third", "Third\n"),
    ):
        home.pin(home.path / place, text)
    opened = Terminal(request.param, home)
    yield opened
    opened.close()


def test_leaving_after_one_answer_that_held_only_once(terminal: Terminal) -> None:
    """A value set by hand, another form of the same provider, then a directory that is remembered as having none."""
    terminal.run("true")
    terminal.run("cd ~/plain")
    terminal.run(
        "set -gx ANTHROPIC_MODEL hand"
        if terminal.shell == "fish"
        else "export ANTHROPIC_MODEL=hand"
    )
    terminal.run("cd ~/other")
    assert terminal.managed("cd ~") == {"ANTHROPIC_MODEL": "hand"}


def test_a_key_file_that_changes_while_another_provider_is_active(terminal: Terminal) -> None:
    """The remembered answer of the first provider is not used although the second answer does not watch that file."""
    secret = terminal.home.path / "secret"
    secret.write_text("one\n")
    assert terminal.managed("cd ~/filed")["ANTHROPIC_AUTH_TOKEN"] == "one"
    terminal.run("cd ~/third")
    secret.write_text("two\n")
    assert terminal.managed("cd ~/filed")["ANTHROPIC_AUTH_TOKEN"] == "two"
    (terminal.home.path / "link").write_text("three\n")
    terminal.run("cd ~/plain")
    secret.unlink()
    secret.symlink_to("link")
    assert terminal.managed("cd ~/filed")["ANTHROPIC_AUTH_TOKEN"] == "three"


def test_another_provider_file_for_a_while(terminal: Terminal) -> None:
    """Answers from the first file are not used again: nobody watched it meanwhile."""
    export, unset = (
        ("set -gx COWORK_ENV_PROVIDERS_FILE ", "set -e")
        if terminal.shell == "fish"
        else ("export COWORK_ENV_PROVIDERS_FILE=", "unset")
    )
    home = terminal.home
    assert terminal.managed("cd ~/third")["ANTHROPIC_AUTH_TOKEN"] == "third-key"
    terminal.run("cd ~")
    (home.path / "other.json").write_text(
        '[{"name": "Plain", "baseUrl": "https://x.example", "authToken": "x-key"}]'
    )
    terminal.run(f"{export}{home.path}/other.json")
    assert terminal.managed("cd ~/plain")["ANTHROPIC_AUTH_TOKEN"] == "x-key"
    terminal.run("cd ~")
    home.providers(
        [{"name": "Third", "baseUrl": "https://third.example", "authToken": "changed-key"}]
    )
    terminal.run(f"{unset} COWORK_ENV_PROVIDERS_FILE")
    assert terminal.managed("cd ~/third")["ANTHROPIC_AUTH_TOKEN"] == "changed-key"


def test_a_relative_name_of_the_provider_file(terminal: Terminal) -> None:
    """It is another file in another directory, also where nothing else tells the two apart."""
    for place in ("one", "two"):
        folder = terminal.home.path / place
        folder.mkdir()
        (folder / "p.json").write_text(
            f'[{{"name": "P", "baseUrl": "https://{place}.example", "authToken": "{place}-key"}}]'
        )
    terminal.run(
        "set -gx COWORK_PROVIDER P" if terminal.shell == "fish" else "export COWORK_PROVIDER=P"
    )
    terminal.run("cd ~/one")
    terminal.run(
        f"{'set -gx COWORK_ENV_PROVIDERS_FILE ' if terminal.shell == 'fish' else 'export COWORK_ENV_PROVIDERS_FILE='}p.json"
    )
    for place in ("one", "two", "one"):
        managed = terminal.managed(f"cd ~/{place}")
        assert (managed["ANTHROPIC_BASE_URL"], managed["ANTHROPIC_AUTH_TOKEN"]) == (
            f"https://{place}.example",
            f"{place}-key",
        )


def test_a_key_that_was_missing_is_looked_for_again(terminal: Terminal) -> None:
    assert terminal.managed("cd ~/filed") == {}
    assert terminal.managed("cd ~/third")["ANTHROPIC_AUTH_TOKEN"] == "third-key"
    (terminal.home.path / "secret").write_text("here\n")
    assert terminal.managed("cd ~/filed")["ANTHROPIC_AUTH_TOKEN"] == "here"


def test_the_model_can_fail(tmp_path: Path) -> None:
    """A shell without the hook is told apart."""
    need("bash")
    with pytest.raises(AssertionError):
        walk("bash", tmp_path, "PROMPT_COMMAND=; unset -f cd pushd popd", shrink=False)
