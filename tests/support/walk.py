"""Random steps in a real shell, each checked against the model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote

from hypothesis import note

from cowork_env.core.environment import Activation

from support.home import Home
from support.model import (
    ACTIVE,
    API_KEY,
    CARRIED,
    EXTRA,
    FLAG,
    LOGINS,
    TIERS,
    TOKEN,
    URL,
    WATCHED,
    Model,
    World,
)
from support.shells import HOOK
from support.terminal import Terminal


class Walk:
    """A session in one real shell. ``random`` chooses the steps, and may differ for each."""

    random: Random

    def __init__(self, shell: str, home: Home) -> None:
        self.shell, self.home = shell, home
        self.quiet = 0
        self.seen: dict[str, str] = {}
        world = self.world = World(home)
        names = {"Alpha": "a-id", "Beta": "b-id", "Gamma": "", "Delta": "d-id", "Cloud": "c-id"}
        names["Login"] = "l-id"
        for number, (name, identity) in enumerate(names.items()):
            entry: dict[str, Any] = {
                "id": identity,
                "name": name,
                "defaultModel": f"model-{number}",
            }
            if name == "Delta":
                entry["authTokenFrom"] = f"file:{world.secret_file}"
            elif name == "Login":
                entry["auth"] = "account"
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
        self.directories = [
            *self.places,
            root / "link",
            root / "link/er",
            root / "plain/over",
            root / "plain/over/in",
        ]
        for pinned, name_or_id in (
            ("p1", "Alpha"),
            ("p2", "b-id"),
            ("p1/deep", "Alpha\nmodel = deeper"),
            ("plain/sub", "Delta"),
        ):
            self.pin(root / pinned, name_or_id + "\n", True)
        own = {
            "ANTHROPIC_MODEL": "mine",
            "ANTHROPIC_CUSTOM_HEADERS": "",
            "CLAUDE_CODE_SUBAGENT_MODEL": "own sub",
            "CLAUDE_CONFIG_DIR": "/own/login",
        }
        self.terminal = Terminal(shell, home, env=own)
        self.terminal.child.delaybeforesend = None
        self.models = [Model(world, dict(own), home.path)]
        self.model.prompt(fresh=True)

    @property
    def model(self) -> Model:
        return self.models[-1]

    # Changes outside the shell

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

    # Steps: each changes something or returns a line to type, and updates the model.

    def step_cd(self) -> str:
        self.model.directory = self.random.choice(self.directories)
        return f"cd {self.model.directory}"

    def step_pushd(self) -> str:
        self.model.stack.append(self.model.directory)
        self.model.directory = self.random.choice(self.directories)
        return f"pushd {self.model.directory} >/dev/null"

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
        if entry["name"].startswith("Login"):
            kind = 1 + kind % 3
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
        name_or_id = self.random.choice(
            ["Alpha", "Beta", "Gamma", "Delta", "Cloud", "Login", "a-id", "b-id", "none", "Nobody"]
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
        self.pin(place, f"{name_or_id}\n{more}", self.random.random() < 0.7)
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
        self.world.selection = self.random.choice(["", "none", "Beta", "a-id", "l-id", "Nobody"])
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
                *LOGINS,
            ]
        )
        self.world.serial += 1
        value = self.random.choice([f"hand-{self.world.serial}", f"hand-{self.world.serial}", ""])
        if name in CARRIED and not value:
            value = "hand-key"
        self.model.env[name] = value
        line = f"set -gx {name} '{value}'" if self.shell == "fish" else f"export {name}='{value}'"
        return line + self.noticed(name)

    def noticed(self, name: str) -> str:
        """What makes the next prompt look at the URL and the key, which it does not compare."""
        return "; cowork-env reload >/dev/null 2>&1" if name in CARRIED else ""

    def step_hand_unset(self) -> str:
        name = self.random.choice(
            [
                *WATCHED[:5],
                "ANTHROPIC_DEFAULT_OPUS_MODEL",
                EXTRA,
                FLAG,
                ACTIVE,
                LOGINS[0],
                "ANTHROPIC_CUSTOM_HEADERS",
            ]
        )
        self.model.env.pop(name, None)
        return (f"set -e {name}" if self.shell == "fish" else f"unset {name}") + self.noticed(name)

    def step_unset_own(self) -> str:
        """The user unsets the URL and the keys that they have set."""
        gone = [n for n in CARRIED if self.model.env.get(n, "").startswith("hand")]
        for name in gone:
            del self.model.env[name]
        if not gone:
            return "true"
        unset = "set -e " if self.shell == "fish" else "unset "
        return unset + " ".join(gone) + self.noticed(gone[0])

    def step_variable(self) -> str:
        self.model.variable = self.random.choice(["", "", "none", "Alpha", "Login", "Nobody"])
        if not self.model.variable:
            return "set -e COWORK_PROVIDER" if self.shell == "fish" else "unset COWORK_PROVIDER"
        if self.shell == "fish":
            return f"set -gx COWORK_PROVIDER {self.model.variable}"
        return f"export COWORK_PROVIDER={self.model.variable}"

    def step_lose_state(self) -> str:
        """Without the state the shell restores what it knows, and applies the provider again."""
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
            self.step_unset_own: 6,
            self.step_variable: 6,
            self.step_lose_state: 2,
            self.step_nested: 2,
            self.step_exit: 2,
            self.step_exec: 1,
            self.step_hook_again: 2,
        }
        if self.model.active == "unresolved":
            # Going elsewhere may apply this one again over what was set by hand.
            for by_hand in (self.step_hand_set, self.step_hand_unset, self.step_unset_own):
                del steps[by_hand]
        if self.quiet == 0:
            self.quiet = self.random.choice([-6, -6, 12])
        if self.quiet > 0:
            # For a while nothing else changes, so that what the shell remembers is used.
            local = (
                self.step_cd,
                self.step_pushd,
                self.step_popd,
                self.step_hand_set,
                self.step_hand_unset,
                self.step_unset_own,
                self.step_variable,
            )
            steps = {s: w for s, w in steps.items() if s in local}
        self.quiet += -1 if self.quiet > 0 else 1
        held, shells = self.model.held(), len(self.models)
        chosen = self.random.choices(list(steps), list(steps.values()))[0]
        line = chosen()
        while line == "true" and self.random.random() < 0.3:
            # Several changes between two prompts.
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
            and chosen in (self.step_hand_set, self.step_hand_unset, self.step_unset_own)
        ):
            # A prompt does not notice that the user took a change back, unless there is more.
            line += "; cowork-env reload >/dev/null 2>&1"
        note(f"{chosen.__name__}: {line}")
        plain = {"bash": "bash -i", "zsh": "zsh -i", "fish": "fish"}[self.shell]
        if line in ("NEST", "EXEC"):
            shown = self.terminal.run(plain if line == "NEST" else f"exec {plain}")
            if line == "NEST":
                self.models.append(self.model.nested())
            else:
                self.models[-1] = self.model.nested()
        elif line.startswith(("cd ", "pushd", "popd")) and self.random.random() < 0.5:
            # What follows the change of directory on the same line already has the provider.
            seen = self.terminal.env(line)
            shown = ""
            self.model.prompt()
            self.check(seen)
        else:
            shown = self.terminal.run(line)
            if line.startswith("cowork-env pin"):
                here = self.model.directory.resolve()
                self.pin(here, (here / ".cowork-provider").read_text(), False)
                self.world.allowed.add((here, self.world.pins[here]))
                self.world.denied.discard(here)
            if line == HOOK[self.shell]:
                # As in a new shell: a state of which neither URL nor key is left is foreign.
                self.model.forget_foreign()
            self.model.prompt(fresh=line == HOOK[self.shell])
        for output in shown.replace("exit\n", "").split("\n"):
            assert not output or output.startswith("cowork-env: "), output
        self.check(self.terminal.env())

    def check(self, env: dict[str, str]) -> None:
        """All managed variables are as in the model, and no key is beside another one's URL."""
        self.seen = {n: env[n] for n in WATCHED if n in env}
        url, keys = env.get(URL), [env[n] for n in (TOKEN, API_KEY) if n in env]
        if not self.model.by_hand():
            assert len(keys) == (0 if url is None else 1)
            assert url is None or (url, keys[0]) in self.world.pairs
        assert self.seen == {n: self.model.env[n] for n in WATCHED if n in self.model.env}
        state = env.get("COWORK_ENV_STATE", "")
        activation = Activation.decode(state)
        # A choice that cannot be used leaves why in the state, and touches nothing.
        assert bool(state) == bool(activation)
        assert bool(activation and activation.touched) == bool(self.model.active)
        assert "key-" not in unquote(state)
        assert not [n for n in env if n.startswith("__cowork_env")]
