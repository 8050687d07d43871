"""The response to a hook request, as a pure function.

No key comes without its URL, and the ways to apply and to undo a response agree.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cowork_env import models, shells
from cowork_env.core import resolve, trust
from cowork_env.core.environment import (
    BASE_URL,
    CREDENTIALS,
    MANAGED,
    STATE,
    UNRESOLVED_TOKEN,
    UNRESOLVED_URL,
    Activation,
)
from cowork_env.core.provider import InvalidField, Provider, repaired
from cowork_env.core.resolve import Inputs
from cowork_env.hook.protocol import (
    ALLOW_SLOW,
    CACHEABLE,
    FAILED,
    GIVEN_UP,
    PENDING,
    STARTING,
    TRANSIENT,
    WHOLE_SECONDS,
    Request,
    Response,
)
from cowork_env.hook.respond import SECRET_LIFETIME, respond
from cowork_env.shells.base import CachingShell, Shell
from cowork_env.util.errors import CoworkEnvError

from support.home import GUIDE, Home, executable


def run(code: str, env: dict[str, str]) -> tuple[dict[str, str], bool]:
    """What bash would make of statements: the environment after them, and whether the last one
    worked.

    It knows the few forms that are written, and fails at any other, so that nothing else can creep
    in.
    """
    if code.startswith("if "):
        condition, _, rest = code.removeprefix("if ").partition("; then\n")
        fits, _, rest = rest.partition("\nelse \\builtin eval ")
        lexer = shlex.shlex(rest, posix=True)
        lexer.whitespace_split = True
        otherwise = lexer.get_token() or ""
        env, works = run(fits if run(condition, env)[1] else otherwise, env)
        assert (end := lexer.instream.readline().strip()) == "fi", end
        rest = lexer.instream.read()
        return run(rest, env) if rest else (env, works)
    code, begin, block = code.partition("\nif ")
    if begin:
        return run(f"if {block}", run(code, env)[0])
    env, words, works = dict(env), shlex.split(code), True
    commands: list[list[str]] = []
    for word in words:
        if word == "\\builtin" or word == "builtin":
            commands.append([])
        else:
            commands[-1].append(word)
    joined = False
    for command in commands:
        follows = command[-1] == "&&"
        if works or not joined:
            works = _one([w for w in command[:-1] if w] + ([] if follows else command[-1:]), env)
        joined = follows
    return env, works


def _one(command: list[str], env: dict[str, str]) -> bool:
    match command:
        case ["export", *pairs]:
            for pair in pairs:
                name, equals, value = pair.partition("=")
                assert equals
                env[name] = value
        case ["unset", "-v", *names]:
            for name in names:
                env.pop(name, None)
        case ["test", expansion, "=", *rest]:
            live = []
            for part in expansion.split("\1"):
                name = part.removeprefix("${").partition("+")[0].removesuffix("-}")
                set_or_not, value = f"${{{name}+x}}", f"${{{name}-}}"
                assert part in (set_or_not, value, set_or_not + value)
                live.append(
                    "x" * (name in env and part != value) + env.get(name, "") * (part != set_or_not)
                )
            assert len(rest) <= 1
            return "\1".join(live) == "".join(rest)
        case _:
            raise AssertionError(command)
    return True


OLD = 10**9 + 1  # a timestamp in nanoseconds, from a file system that counts them


class World:
    """Folders for providers, pins and trust, with timestamps in the past."""

    def __init__(self, root: str) -> None:
        self.root, self.directory = root, f"{root}/project"
        os.makedirs(self.directory)
        self.trust = trust.TrustStore(f"{root}/state")

    def providers(self, text: str) -> None:
        Path(f"{self.root}/providers.json").write_text(
            text, encoding="utf-8", errors="surrogatepass"
        )
        os.utime(f"{self.root}/providers.json", ns=(OLD, OLD))

    def pin(self, text: str, allow: bool = True) -> None:
        path = f"{self.directory}/.cowork-provider"
        Path(path).write_text(text)
        if allow:
            self.trust.allow(trust.location(path), text.encode())
            os.utime(f"{self.root}/state/trust", ns=(OLD, OLD))

    def request(
        self,
        env: dict[str, str],
        flags: str = "",
        shell: str = "bash",
        listed: list[str] | None = None,
    ) -> Response:
        env = {**env, "COWORK_ENV_PROVIDERS_FILE": f"{self.root}/providers.json"}
        config, state = f"{self.root}/config", f"{self.root}/state"
        inputs = Inputs(env, self.directory, config, state, pin_paths=listed)
        return respond(Request(shells.get(shell), flags), inputs)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(os.path.realpath(tmp_path) + "/w")


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with tempfile.TemporaryDirectory(
        dir=os.path.realpath(tmp_path_factory.mktemp("worlds"))
    ) as folder:
        yield folder


words = st.sampled_from(["a", "b", "a", "b", "c", "none", "nobody", ""])
lines = st.sampled_from(["model = m", "required = true", "junk", "haiku = h", "opus = http://x"])
pin_texts = st.builds(
    lambda word, more: "\n".join([word, *more]) + "\n", words, st.lists(lines, max_size=2)
)
sensitive = [BASE_URL, *CREDENTIALS] * 4  # where a mistake would be worst
env_names = st.sampled_from([*sensitive, *MANAGED, "CLAUDE_CODE_USE_BEDROCK", "EXTRA"])
own = st.dictionaries(env_names, st.sampled_from(["", "own"]), max_size=6)
hand = st.dictionaries(env_names, st.sampled_from([None, "", "hand"]), max_size=2)


@st.composite
def entries(draw: st.DrawFn, name: str) -> Any:
    """A provider whose URL and key bear its name; one of four has something odd about it."""
    version = draw(st.integers(1, 2))
    entry: dict[str, Any] = {
        "name": name,
        "id": draw(st.sampled_from([name, f"id-{name}", "same"])),
        "baseUrl": f"https://{name}{version}.example/v1",
        "authToken": f"key-{name}{version}",
        "auth": draw(st.sampled_from(["bearer", "api-key"])),
    }
    odd: dict[str, list[Any]] = {
        "baseUrl": ["", "http://no.example", "x", 3],
        "authToken": ["", "ENC:v1:djEw", "a b ", "x\ny", "djExAAAA", 3],
        "auth": [None, "x"],
        "defaultModel": ["", "m", "m m"],
        "name": ["", 3],
        "id": [None, 3],
    }
    if draw(st.integers(0, 3)) == 0:
        key = draw(st.sampled_from(sorted(odd)))
        entry[key] = draw(st.sampled_from(odd[key]))
    if draw(st.booleans()):
        entry["env"] = draw(
            st.dictionaries(env_names, st.sampled_from(["", "", "1", "from-env", 3]), max_size=2)
        )
    return draw(st.sampled_from([entry] * 9 + [None]))


documents = st.tuples(entries("a"), entries("b"), entries("c")).map(list) | st.sampled_from(
    ["", "[", "{}", "[[]]", '"x"']
)
steps = st.lists(
    st.tuples(documents, pin_texts, st.booleans(), words, hand, st.booleans()),
    min_size=1,
    max_size=5,
)


def coherent(env: dict[str, str], document: Any) -> bool:
    """Whether the URL and the keys in an environment belong together, each key named after its
    URL's host.
    """
    url, keys = env.get(BASE_URL, ""), [env[n] for n in CREDENTIALS if n in env]
    if url == UNRESOLVED_URL:
        return keys == [UNRESOLVED_TOKEN]
    if any(k.startswith("key-") for k in keys) or url.startswith("https://"):
        host = url.removeprefix("https://").removesuffix(".example")
        # An entry may have another credential in its env: its own choice.
        return f"key-{host}" in keys and all(k in (f"key-{host}", "from-env", "1") for k in keys)
    return True


@given(own, steps, st.sampled_from(["", WHOLE_SECONDS, f"{STARTING} {ALLOW_SLOW}"]))
@settings(max_examples=int(os.environ.get("COWORK_ENV_FUZZ", "2000")) // 10, deadline=None)
def test_a_key_is_never_set_beside_another_url(
    worlds: str, start: dict[str, str], path: Any, flags: str
) -> None:
    with tempfile.TemporaryDirectory(dir=worlds) as folder:
        world = World(folder)
        env, by_hand = dict(start), False
        for document, pin, allowed, choice, changes, fresh in path:
            text = document if isinstance(document, str) else json.dumps(document)
            world.providers(text)
            world.pin(pin, allowed)
            before = {n: env.get(n) for n in (BASE_URL, *CREDENTIALS)}
            for name, value in changes.items():
                env.pop(name, None)
                if value is not None:
                    env[name] = value
            by_hand = by_hand or before != {n: env.get(n) for n in (BASE_URL, *CREDENTIALS)}
            env.pop("COWORK_PROVIDER", None)
            if choice:
                env["COWORK_PROVIDER"] = choice
            reply = world.request(env, f"{flags} {STARTING}" if fresh else flags)
            after, works = run(reply.now, env)
            assert works or not reply.now

            state = after.get(STATE, "")
            assert state == reply.state and bool(state) == (Activation.decode(state) is not None)
            if by_hand and not fresh and after.get(BASE_URL) == "hand":
                for (
                    n
                ) in CREDENTIALS:  # what stood beside it may go on doing so, but no key comes to it
                    assert after.get(n) == env.get(n) or not after.get(n, "").startswith("key-")
            one, other = Activation.decode(env.get(STATE, "")), Activation.decode(state)
            stays = one is not None and other is not None and one.key == other.key
            by_hand = by_hand and not fresh and stays  # another provider is in force as a whole
            if not by_hand:
                assert coherent(after, document), reply.now
            if reply.provider and not by_hand:
                assert BASE_URL in after or any(
                    after.get(f"CLAUDE_CODE_USE_{c}") for c in ("BEDROCK", "VERTEX", "FOUNDRY")
                )
            assert not any(
                "key-" in text
                for text in (
                    reply.label,
                    reply.error,
                    state,
                    reply.pins,
                    *(notice.text for notice in reply.notices),
                )
            )

            undone, _ = run(reply.undo, after)
            left, _ = run(world.request({**after, "COWORK_PROVIDER": "none"}).now, after)
            assert undone == left if reply.state else not reply.undo
            if CACHEABLE in reply.flags and reply.state and reply.guard:
                again, fits = run(reply.guard, undone)
                if fits:
                    assert again == undone
                    applied, works = run(reply.apply, undone)
                    assert works and run(world.request(undone).now, undone)[0] == applied
                    assert other is not None
                    if all(
                        t.ours(n, after.get(n)) for n, t in other.touched.items()
                    ):  # nothing is the user's own
                        assert applied == after
            env = after


wild = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=6)
    | st.sampled_from(["https://a.example", "bearer", "none", "sk-1"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(
    entries("a")
    | st.builds(
        lambda good, bad: {**good, **bad},
        st.just(GUIDE[1]),
        st.dictionaries(st.sampled_from([*GUIDE[1], "env", "auth"]), wild, max_size=2),
    )
)
@settings(max_examples=400, deadline=None)
def test_the_hook_and_the_commands_agree_on_every_entry(entry: Any) -> None:
    word = (
        str(entry.get("name", "")).strip()
        if isinstance(entry, dict) and isinstance(entry.get("name"), str)
        else ""
    )
    try:
        provider = Provider(entry)
        valid = True
    except InvalidField:
        valid = False
    try:
        models.validated(entry)
        saved = True
    except InvalidField:
        saved = False
    assert saved == valid  # no entry here has a reference
    if not word or word.casefold() == "none":
        assert not valid
        return
    env = {"COWORK_ENV_PROVIDERS_JSON": json.dumps([entry])}
    inputs = Inputs(env, "/", "/nowhere", "/nowhere", option=word)
    found = resolve.resolve(inputs)
    assert (found.error is None) == valid
    outcome = resolve.outcome(inputs, found)
    goal = outcome.target or None
    assert (goal is None) == (outcome.error is not None)
    if goal is not None and goal[BASE_URL]:
        assert goal[BASE_URL] == (
            provider.base_url if provider.verbatim else repaired(provider.base_url)
        )
        assert provider.token in (goal["ANTHROPIC_AUTH_TOKEN"], goal["ANTHROPIC_API_KEY"])


# The other fields


def test_fields_of_a_response(world: World) -> None:
    world.providers(json.dumps(GUIDE))
    world.pin("openrouter\n")
    reply = world.request({"ANTHROPIC_MODEL": "mine"})
    assert reply.directory == world.directory
    assert reply.flags == [CACHEABLE] and reply.lifetime == "0" and not reply.notices
    assert reply.provider == "OpenRouter" and reply.error == ""
    assert reply.pins == f"{world.directory}/.cowork-provider\x01openrouter\n\x01"
    names = reply.unexported.split()
    assert len(names) == len(set(names))
    assert "ANTHROPIC_MODEL" not in names and BASE_URL in names
    settings = "config/cowork-env/settings"
    paths = ("state/trust", "state/selection", "state/reload", "providers.json", settings)
    assert {watch.path for watch in reply.watches} == {f"{world.root}/{p}" for p in paths}
    for watch in reply.watches:
        assert not watch.same_as and watch.absent == (not os.path.exists(watch.path))
        if not watch.absent:
            assert os.stat(watch.reference).st_mtime_ns == os.stat(watch.path).st_mtime_ns


@pytest.mark.parametrize("shell", shells.with_hook(), ids=lambda shell: shell.name)
def test_every_field_has_its_name_in_every_shell(world: World, shell: Shell) -> None:
    world.providers(json.dumps(GUIDE))
    world.pin("openrouter\n")
    text = shell.response(world.request({}, shell=shell.name))
    watches = "unchanged" if isinstance(shell, CachingShell) else "watches"
    for name in (*Response.TEXTS, "flags", "notices", *([] if shell.name == "tcsh" else [watches])):
        assert re.search(rf"(__cowork_env_response_|[\"&; ]){name}\b", text), name


def test_an_untrusted_pin_has_one_notice_for_each_content(world: World) -> None:
    world.pin("a", allow=False)
    one, same = world.request({}), world.request({})
    world.pin("b", allow=False)
    other = world.request({})
    assert (
        len(one.notices) == 1
        and one.notices[0].id == same.notices[0].id
        and one.notices[0].id != other.notices[0].id
    )
    assert (
        one.notices[0].text.endswith("is not trusted. Run: cowork-env allow")
        and not one.error
        and not one.now
    )


def test_a_damaged_state_is_reported_and_removed(world: World) -> None:
    reply = world.request({STATE: "1:x:$(touch owned)", "A": "1"})
    assert [notice.text for notice in reply.notices] == [
        "COWORK_ENV_STATE is damaged; it is ignored"
    ]
    assert run(reply.now, {STATE: "x", "A": "1"})[0] == {"A": "1"} and "touch" not in shells.get(
        "bash"
    ).response(reply)


def test_a_slow_store_is_asked_by_the_second_request_only(world: World) -> None:
    note = f"{world.root}/asked"
    slow = {
        "name": "slow",
        "baseUrl": "https://s.example",
        "authTokenFrom": f"cmd:sh -c 'echo >>{note}; echo sk-slow'",
    }
    world.providers(json.dumps([*GUIDE, slow]))
    active, _ = run(
        world.request({"COWORK_PROVIDER": "openrouter", "PATH": os.environ["PATH"]}).now,
        {"PATH": os.environ["PATH"]},
    )
    active["COWORK_PROVIDER"] = "slow"
    reply = world.request(active)
    assert reply.flags == [PENDING] and not os.path.exists(note)
    left, _ = run(reply.now, active)
    assert not any(k in left for k in (BASE_URL, *CREDENTIALS)) and left[STATE] == reply.state
    reply = world.request(left, ALLOW_SLOW)
    assert reply.lifetime == str(SECRET_LIFETIME) == "600" and Path(note).read_text() == "\n"
    assert run(reply.now, left)[0]["ANTHROPIC_AUTH_TOKEN"] == "sk-slow"


@pytest.mark.parametrize("required", [False, True])
def test_while_a_slow_key_is_fetched(required: bool, world: World) -> None:
    """A required pin is a dead end at once, and after an interrupt; what was before comes back."""
    slow = {"name": "slow", "baseUrl": "https://s.example", "authTokenFrom": "cmd:echo sk-slow"}
    world.providers(json.dumps([*GUIDE, slow]))
    world.pin("slow\n" + "required = true\n" * required)
    start = {
        "PATH": os.environ["PATH"],
        "ANTHROPIC_API_KEY": "own",
        BASE_URL: "https://own.example",
    }
    dead_end = {BASE_URL: UNRESOLVED_URL, "ANTHROPIC_AUTH_TOKEN": UNRESOLVED_TOKEN}

    def own_or_dead_end(env: dict[str, str]) -> bool:
        there = {name: env[name] for name in (BASE_URL, *CREDENTIALS) if name in env}
        return there == (dead_end if required else {k: start[k] for k in start if k != "PATH"})

    first = world.request(start)
    meanwhile, _ = run(first.now, start)
    assert first.flags == [PENDING] and own_or_dead_end(meanwhile)
    assert meanwhile[STATE] == first.state and run(first.undo, meanwhile)[0] == start
    final = world.request(meanwhile, ALLOW_SLOW)
    active, _ = run(final.now, meanwhile)
    assert active["ANTHROPIC_AUTH_TOKEN"] == "sk-slow" and "ANTHROPIC_API_KEY" not in active
    assert run(final.undo, active)[0] == start
    for before in (start, meanwhile, active):
        given_up = world.request(before, GIVEN_UP)
        after, _ = run(given_up.now, before)
        assert given_up.flags == [] and own_or_dead_end(after)
        assert given_up.error.startswith("slow: the lookup of its key was interrupted. ")
        assert run(given_up.undo, after)[0] == start
    # The same once more: what the user has changed meanwhile is known by the activation.
    assert own_or_dead_end(run(world.request(active).now, active)[0])
    by_hand = {**active, "ANTHROPIC_MODEL": "mine"}
    kept = world.request(by_hand)
    assert (kept.now, kept.state, kept.flags) == ("", active[STATE], [PENDING])
    assert run(kept.undo, by_hand)[0] == {**start, "ANTHROPIC_MODEL": "mine"}
    assert own_or_dead_end(run(world.request(by_hand, STARTING).now, by_hand)[0])


def test_statements_that_failed_leave_a_dead_end_or_nothing(world: World) -> None:
    world.providers(json.dumps(GUIDE))
    start = {"ANTHROPIC_API_KEY": "own"}
    for text in ("openrouter\n", "openrouter\nrequired = true\n"):
        world.pin(text)
        reply = world.request(start, FAILED)
        after, _ = run(reply.now, start)
        assert after.get(BASE_URL) == (UNRESOLVED_URL if "required" in text else None)
        assert "read-only" in reply.error and CACHEABLE not in reply.flags
        assert run(reply.undo, after)[0] == start
        # One by one: a variable that cannot be changed keeps no other from it.
        assert "&&" not in reply.now


def test_a_key_from_a_variable_is_guarded_by_that_variable(
    world: World,
) -> None:
    world.providers(
        json.dumps(
            [
                {"name": "a", "baseUrl": "https://a.example", "authTokenFrom": "env:SHARED"},
                {
                    "name": "b",
                    "baseUrl": "https://b.example",
                    "authToken": "key-b",
                    "env": {"SHARED": "value-of-b"},
                },
            ]
        )
    )
    start = {"SHARED": "key-a"}
    env, _ = run(world.request({**start, "COWORK_PROVIDER": "b"}).now, start)
    reply = world.request({**env, "COWORK_PROVIDER": "a"})
    env, _ = run(reply.now, env)
    assert env["ANTHROPIC_AUTH_TOKEN"] == "key-a" and env["SHARED"] == "key-a"
    assert run(reply.undo, env)[0] == start
    assert run(reply.guard, start)[1] and not run(reply.guard, {"SHARED": "value-of-b"})[1]


SECOND = 10**9


@pytest.mark.parametrize("where", ["shell", "file system"])
def test_where_whole_seconds_are_counted(
    where: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second change within the second of the first would not show; then, and only then, the
    response is for one prompt. A file of the same second that is moved there shows in its folder.
    """
    world.providers(json.dumps(GUIDE))
    Path(f"{world.root}/state").mkdir()
    file = f"{world.root}/providers.json"
    changed, flags = 1_700_000_000 * SECOND, ""
    if where == "shell":
        changed, flags = changed + SECOND // 2, WHOLE_SECONDS

    def request(at: int) -> Response:
        monkeypatch.setattr("time.time_ns", lambda: at)
        return world.request({"COWORK_PROVIDER": "openrouter"}, flags)

    os.utime(world.root, ns=(OLD, OLD))
    os.utime(file, ns=(changed, changed))
    assert TRANSIENT in request(changed + SECOND // 4).flags
    assert TRANSIENT not in request(changed + SECOND + SECOND // 20).flags
    assert TRANSIENT not in request(changed - SECOND).flags  # It lies in the future.
    assert world.root in {watch.path for watch in request(changed + SECOND).watches}
    os.utime(file, ns=(changed + 1, changed + 1))
    if where == "file system":
        reply = request(changed + SECOND // 4)
        assert TRANSIENT not in reply.flags
        assert world.root not in {watch.path for watch in reply.watches}


def test_a_pin_of_others_with_a_timestamp_in_the_future(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It costs no request at each prompt."""
    world.providers(json.dumps(GUIDE))
    world.pin("openrouter\n")
    pin = f"{world.directory}/.cowork-provider"
    os.chmod(world.directory, 0o1700)
    now = OLD + SECOND
    monkeypatch.setattr("time.time_ns", lambda: now)
    os.utime(pin, ns=(now, now))
    assert TRANSIENT in world.request({}, listed=[pin]).flags
    os.utime(pin, ns=(2 * now, 2 * now))
    reply = world.request({}, listed=[pin])
    assert reply.safe == [] and reply.pins == f"{pin}\1?\1" and TRANSIENT not in reply.flags


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        (b"openrouter\n", "openrouter\n"),
        (b"", "!"),
        (b"x" * 4096, "x" * 4096),
        (b"x" * 4097, "?"),
        (b"openrouter\n\0", "?"),
        (b"\xff\n", "\udcff\n"),
        (None, "!"),
    ],
)
def test_which_pins_a_response_is_about(content: bytes | None, seen: str, world: World) -> None:
    """The hook compares them with what it has seen, so each has a form, whatever is in it."""
    world.providers("[]")
    pin = f"{world.directory}/.cowork-provider"
    if content is None:
        os.mkfifo(pin)
    else:
        Path(pin).write_bytes(content)
    reply = world.request({}, listed=[pin])
    assert reply.pins == f"{pin}\1{seen}\1"
    assert (pin in reply.safe) == (seen != "?")
    assert (pin in {watch.path for watch in reply.watches}) == (seen == "?")
    if seen != "?":
        assert world.request({}).pins == reply.pins  # A hook that does not list them looks itself.
    os.unlink(pin)
    assert world.request({}, listed=[pin]).pins == ""


def test_a_key_file_is_watched_before_it_is_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = Path(f"{world.root}/secret")
    secret.write_text("one\n")
    os.utime(secret, ns=(OLD, OLD))
    entry = {"name": "a", "baseUrl": "https://a.example", "authTokenFrom": f"file:{secret}"}
    world.providers(json.dumps([entry]))

    def outcome_and_change(inputs: Inputs, found: resolve.Resolution) -> resolve.Outcome:
        made = resolve.failed(found, CoworkEnvError("x"))
        secret.write_text("two\n")
        return made

    monkeypatch.setattr(resolve, "outcome", outcome_and_change)
    watches = world.request({"COWORK_PROVIDER": "a"}).watches
    [watch] = [watch for watch in watches if watch.path == str(secret)]
    assert os.stat(watch.reference).st_mtime_ns == OLD


def test_a_provider_that_was_inherited(world: World) -> None:
    """Its name is that in the state: what is in COWORK_ENV_ACTIVE could be anything."""
    world.providers(json.dumps(GUIDE))
    choice = {"COWORK_PROVIDER": "openrouter"}
    env, _ = run(world.request(choice).now, choice)
    env["COWORK_ENV_ACTIVE"] = "\x1b]0;x\a"
    same = world.request(env, STARTING)
    assert (same.provider, same.label) == ("OpenRouter", "")
    env["COWORK_PROVIDER"] = "none"
    assert [n.text for n in world.request(env, STARTING).notices] == ["left OpenRouter"]
    assert not world.request(env).notices
    assert not world.request({**env, "COWORK_ENV_QUIET": "1"}, STARTING).notices
    env["COWORK_PROVIDER"] = "aws-bedrock"
    other = world.request(env, STARTING)
    assert other.label == "AWS Bedrock ($COWORK_PROVIDER)" and not other.notices


def test_references_are_private_and_limited_in_number(world: World) -> None:
    for i in range(230):
        world.providers("[]")
        os.utime(f"{world.root}/providers.json", (i, i))
        world.request({})
    stamps = Path(f"{world.root}/state/stamps")
    assert len(list(stamps.iterdir())) <= 201 and stamps.stat().st_mode & 0o777 == 0o700
    assert all(s.stat().st_size == 0 for s in stamps.iterdir())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_no_key_in_what_users_are_shown(home: Home, world: World, shell: str) -> None:
    world.providers(json.dumps(GUIDE))
    reply = world.request({"COWORK_PROVIDER": "openrouter"}, shell=shell)
    key = GUIDE[1]["authToken"]
    assert key in reply.now and key in reply.apply
    assert not any(
        key in text
        for text in (
            reply.label,
            reply.error,
            reply.state,
            reply.provider,
            reply.guard,
            reply.unexported,
        )
    )


ENTRIES: list[Any] = [
    GUIDE[1],
    {**GUIDE[1], "baseUrl": "http://a.example"},
    {**GUIDE[1], "baseUrl": "http://a.example", "allowInsecure": True},
    {**GUIDE[1], "authToken": "a b\n"},
    {**GUIDE[1], "models": {"opus": 3}},
    {**GUIDE[1], "env": {"PATH": "x"}},
    {**GUIDE[1], "env": {"ANTHROPIC_BASE_URL": "https://evil.example"}},
    {**GUIDE[1], "auth": "api-key"},
    {**GUIDE[1], "auth": "x"},
    {"name": "OpenRouter", "env": {"CLAUDE_CODE_USE_BEDROCK": "0"}},
    {"name": "OpenRouter", "env": {"CLAUDE_CODE_USE_BEDROCK": "1"}},
    {**GUIDE[1], "verbatimBaseUrl": 1},
    {**GUIDE[1], "baseUrl": "https://a.example?x"},
    {**GUIDE[1], "defaultModel": "https://x"},
]


@pytest.mark.parametrize("number", range(len(ENTRIES)))
def test_the_export_command_accepts_the_same(home: Home, number: int) -> None:
    entry = ENTRIES[number]
    try:
        Provider(entry)
        valid = True
    except InvalidField:
        valid = False
    home.providers([entry])
    command = [executable(), "export", "--format", "json", "--provider", "openrouter"]
    done = subprocess.run(
        command,
        env=home.env,
        cwd=home.path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode == 0) == bool(done.stdout) == valid
    assert valid or (
        "providers.json, line " in done.stderr
        and "Traceback" not in done.stderr
        and "sk-or" not in done.stderr
    )
    if valid and entry.get("baseUrl"):
        exported = json.loads(done.stdout)
        assert (
            exported[BASE_URL] == repaired(entry["baseUrl"])
            and entry["authToken"] in exported.values()
        )
