"""A model of what the environment must be after every prompt, for random sessions.

It is written from the contract, and uses no code of the program.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.home import Home

URL, TOKEN, API_KEY = "ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"
CARRIED = (URL, TOKEN, API_KEY)
FLAG, ACTIVE = "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST", "COWORK_ENV_ACTIVE"
NO_VIEW = "CLAUDE_CODE_DISABLE_AGENT_VIEW"
TIERS = ("opus", "sonnet", "haiku", "fable")
ALWAYS = (
    *CARRIED,
    "ANTHROPIC_MODEL",
    *(f"ANTHROPIC_DEFAULT_{t.upper()}_MODEL" for t in TIERS),
    FLAG,
    NO_VIEW,
    ACTIVE,
    "ANTHROPIC_API_BASE",
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
LOGINS = ("CLAUDE_CONFIG_DIR", "CLAUDE_SECURESTORAGE_CONFIG_DIR")
EXTRA = "MODEL_TEST_EXTRA"
WATCHED = (*ALWAYS, EXTRA, *LOGINS)


class Pinned:
    """What a pin's text means."""

    def __init__(self, text: str) -> None:
        lines = [line.strip() for line in text.split("\n")]
        lines = [line for line in lines if line and not line.startswith("#")]
        pairs = [[part.strip() for part in line.split("=", 1)] for line in lines[1:]]
        self.good = bool(lines) and all(
            len(p) == 2 and p[0] in ("model", *TIERS, "required") for p in pairs
        )
        self.name_or_id = lines[0] if lines else ""
        self.models = {p[0]: p[1] for p in pairs if len(p) == 2 and p[0] in ("model", *TIERS)}
        self.required = ["required", "true"] in pairs


class World:
    """Everything outside the shells: providers, pins, trust and the selection."""

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
        """Give an entry a new URL and a new key, which belong together."""
        self.serial += 1
        if entry.get("auth") == "account":
            entry["configDir"] = ("~/.claude", f"~/.claude-{self.serial}")[self.serial % 4 > 0]
            return
        tag = f"{entry['id'] or entry['name']}-{self.serial}"
        entry["baseUrl"] = f"https://{tag.replace(' ', '-')}.example" + (
            "/v1" if self.serial % 3 == 0 else ""
        )
        if entry.get("authTokenFrom", "").startswith("file:"):
            self.fresh_secret(tag)
        elif "authToken" in entry:
            entry["authToken"] = f"key-{tag}"

    def fresh_secret(self, tag: str) -> None:
        """Write a new key to the file that one provider's key comes from."""
        self.serial += 1
        self.secret_file.write_text(f"key-{tag}-{self.serial}\n")

    def key(self, entry: dict[str, Any]) -> str:
        if "authTokenFrom" in entry:
            return self.secret_file.read_text().strip() if self.secret_file.exists() else ""
        key = str(entry.get("authToken", ""))
        return "" if key.startswith("ENC:") else key

    def find(self, name_or_id: str) -> dict[str, Any] | None:
        for entry in self.entries:
            if name_or_id in (entry["id"] or None, entry["name"]):
                return entry
        return None

    def choose(self, directory: Path, variable: str) -> tuple[str, dict[str, str], bool]:
        """What names the provider that applies, the pin's models, and whether it is required."""
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
                return (pin.name_or_id if pin.good else "bad pin"), pin.models, pin.required
        return self.selection, {}, False

    def wanted(self, directory: Path, variable: str) -> tuple[str, dict[str, str | None]] | None:
        """The identity and the target that apply in a directory."""
        name_or_id, models, required = self.choose(directory, variable)
        if not name_or_id or name_or_id == "none":
            return None
        entry = self.find(name_or_id)
        target: dict[str, str | None] = dict.fromkeys(ALWAYS)
        if entry is not None:
            key, extra = self.key(entry), entry.get("env", {})
            if entry.get("auth") == "account":
                login = entry["configDir"].replace("~", str(self.home.path))
                target[LOGINS[0]] = login if entry["configDir"] != "~/.claude" else None
                target[LOGINS[1]] = None
                target["ANTHROPIC_MODEL"] = models.get("model") or entry.get("defaultModel")
                for tier in TIERS:
                    own = models.get(tier) or entry.get("models", {}).get(tier)
                    target[f"ANTHROPIC_DEFAULT_{tier.upper()}_MODEL"] = own
                target.update(extra, **{ACTIVE: str(entry["name"])})
                return entry["id"] or entry["name"], target
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
                target[FLAG] = target[NO_VIEW] = "1"
                if extra.get(FLAG) == "":
                    del target[NO_VIEW]
                target[ACTIVE] = entry["name"]
                for name, value in extra.items():
                    if value:
                        target[name] = value
                    else:
                        del target[name]
                return entry["id"] or entry["name"], target
        if not required:
            return None
        target[URL], target[TOKEN] = "http://unresolved.cowork-env.invalid", "unresolved"
        target[FLAG] = target[NO_VIEW] = "1"
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
        child.forget_foreign()
        child.prompt(fresh=True)
        return child

    def put(self, name: str, value: str | None) -> None:
        if value is None:
            self.env.pop(name, None)
        else:
            self.env[name] = value

    def forget_foreign(self) -> None:
        """Restore nothing if neither the URL nor the key is there as it was given."""
        made = [n for n in CARRIED if self.given.get(n)] or [
            n for n in self.given if n.startswith("CLAUDE_CODE_USE_") and self.given[n]
        ]
        if not made and LOGINS[0] in self.given:
            made = [ACTIVE]
        if self.active and not any(self.env.get(n) == self.given[n] for n in made):
            for name, value in self.given.items():
                if value is not None and self.env.get(name) == value:
                    del self.env[name]
            self.active, self.given, self.before = "", {}, {}

    def taken_away(self) -> list[str]:
        """The URL or the key, if it is missing or empty beside the other."""
        pair = [n for n in CARRIED if self.given.get(n)]
        changed = [n for n in CARRIED if n in self.given and self.env.get(n) != self.given[n]]
        some = [n for n in pair if n in changed]
        if len(some) in (0, len(pair)) or any(self.env.get(n) for n in changed):
            return []
        return changed

    def leave(self) -> None:
        for name in self.taken_away():
            self.put(name, self.given[name])
        for name, value in self.given.items():
            if self.env.get(name) == value:
                self.put(name, self.before[name])
        self.active, self.given, self.before = "", {}, {}

    def prompt(self, fresh: bool = False) -> None:
        """Change the environment as a prompt does."""
        found = self.world.wanted(self.directory.resolve(), self.variable)
        if found is None:
            self.leave()
            return
        key, target = found
        if self.active != key:
            self.leave()
            self.active = key
        for name in self.taken_away():
            self.put(name, self.given[name])
        parted = any(n in self.given and self.env.get(n) != self.given[n] for n in CARRIED)
        stray = parted and self.given.get(URL) and self.env.get(URL) != self.given[URL]
        for name in (TOKEN, API_KEY) if stray and not fresh else ():
            if self.given.get(name) and self.env.get(name) == self.given[name]:
                self.put(name, None)
                self.given[name] = None
        for name in (*target, *(n for n in self.given if n not in target)):
            live = self.env.get(name)
            ours = name in self.given and live == self.given[name]
            if name in self.given and not fresh and (parted if name in CARRIED else not ours):
                if name not in target:
                    del self.given[name], self.before[name]
                continue  # the user's own by now
            if name in target:
                self.before[name] = self.before[name] if ours else live
                self.given[name] = target[name]
                self.put(name, target[name])
            else:
                if ours:
                    self.put(name, self.before[name])
                del self.given[name], self.before[name]

    def held(self) -> set[str]:
        """The names whose values are the user's own by now."""
        return {n for n, value in self.given.items() if self.env.get(n) != value}

    def by_hand(self) -> bool:
        """Whether the user has changed the URL or a key."""
        return any(n in self.given and self.env.get(n) != self.given[n] for n in CARRIED) or any(
            self.env.get(n, "").startswith("hand") for n in CARRIED
        )
