"""Changing the provider file: its form, refused changes, links and modes."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cowork_env import store
from cowork_env.core import providers
from cowork_env.core.providers import Providers
from cowork_env.util import files
from cowork_env.util.errors import CoworkEnvError

from support.home import GUIDE, Home
from support.store import NEW, add, inputs, no_change, other_files, running, without_space

# The form of the file


def test_the_first_write_creates_a_private_file_and_folder_whatever_the_umask(
    home: Home,
) -> None:
    before = os.umask(0)
    try:
        store.edit(inputs(home), add(NEW))
    finally:
        os.umask(before)
    file = home.config / "Agent Cowork/providers.json"
    assert json.loads(file.read_text()) == [NEW]
    assert file.read_text() == json.dumps([NEW], indent=2) + "\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for made in [file.parent, home.config]:
        assert not stat.S_IMODE(made.stat().st_mode) & 0o077, made


def test_the_folder_of_an_existing_file_keeps_its_mode(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o755)
    store.edit(inputs(home, COWORK_ENV_PROVIDERS_FILE=str(folder / "mine.json")), add(NEW))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert json.loads((folder / "mine.json").read_text()) == [NEW]


def test_unknown_keys_key_order_and_invalid_entries_are_kept(home: Home) -> None:
    entries = [
        {
            "zeta": {"b": [1.5, None, True], "a": "ü"},
            "name": "A",
            "id": "1",
            "baseUrl": "https://x",
            "alpha": 1,
        },
        {"name": "invalid", "baseUrl": "no scheme", "x": 10**30},
        "not an object",
        7,
        None,
        [],
        {"name": "a", "id": "2", "baseUrl": "https://x"},
        {
            "id": "3",
            "models": {"theirs": 1, "opus": "o"},
            "name": "Emoji 🚒",
            "baseUrl": "https://x",
            "lone": "\ud800",
        },
    ]
    file = home.providers([])
    file.write_text(json.dumps(entries))
    last = {**entries[-1], "models": {"theirs": 1, "opus": "other"}}  # type: ignore[dict-item]
    for new in (NEW, last):  # one that is added, and one that is changed
        store.edit(inputs(home), lambda listed, new=new: replace(listed, new))  # type: ignore[misc]
    assert without_space(file) == json.dumps([*entries[:-1], last, NEW])
    assert "🚒" in file.read_text()
    assert '"lone": "\\ud800"' in file.read_text()


def replace(listed: Providers, new: dict[str, Any]) -> None:
    """Replace the entry with the same id, or add one at the end."""
    ids = [e.get("id") if isinstance(e, dict) else None for e in listed.entries]
    at = ids.index(new["id"]) if new["id"] in ids else len(ids)
    listed.entries[at : at + 1] = [new]


# Valid, but not as this program or the desktop app would write it.
ODD = (
    '{ "name":"Odd", "baseUrl":"https:\\/\\/x", "id":"odd", '
    '"x":[1e-7,1E5,1e999], "y":"\\u00fc", "z":1, "z":2 }'
)


@pytest.mark.parametrize(
    ("before", "after", "margin"),
    [
        ("[\n  ODD\n]", "[\n  ODD,\n  NEW\n]", "  "),
        ("[ODD]", "[ODD,NEW]", ""),
        ("[\n\tODD,\n\t5\n]\n\n", "[\n\tODD,\n\t5,\n\tNEW\n]\n\n", "\t"),
        (" [ ODD , 5 ]", " [ ODD , 5 , NEW ]", ""),
        (
            '{"v": 1.0, "providers": [], "w":{}}',
            '{"v": 1.0, "providers": [\n    NEW\n  ], "w":{}}',
            "    ",
        ),
        (
            '{\n    "providers": [\n        ODD\n    ]\n}',
            '{\n    "providers": [\n        ODD,\n        NEW\n    ]\n}',
            " " * 8,
        ),
        ("[ \n ]\n", "[\n  NEW\n]\n", "  "),
    ],
)
def test_unchanged_entries_keep_their_bytes(
    home: Home, before: str, after: str, margin: str
) -> None:
    """Numbers and escapes as other programs write them, duplicate keys, and any indentation."""
    new = json.dumps(NEW, indent=2).replace("\n", "\n" + margin)
    file = home.providers([])
    file.write_text(before.replace("ODD", ODD))
    store.edit(inputs(home), add(NEW))
    assert file.read_text() == after.replace("ODD", ODD).replace("NEW", new)
    store.edit(inputs(home), lambda listed: listed.entries.remove(NEW))
    assert json.loads(file.read_text()) == json.loads(before.replace("ODD", ODD))
    assert file.read_text().count(ODD) == before.count("ODD")


@pytest.mark.parametrize(
    "token",
    [
        "ENC:v1:djExCEsK/wTovCVmmEM0cqhyS==",
        r"ENC:v1:djExCEsK\/wTovCVmmEM0cqhyS\u003d=",
        r"djExCEsK\/wTovCVmm\u002bM0cqhyS",
        r"ENC:v1:\ud800",
    ],
)
def test_an_encrypted_key_keeps_its_bytes(home: Home, token: str) -> None:
    """Whatever else changes in its entry, and whatever escapes another program wrote it with."""
    file = home.providers([])
    file.write_text(f'[{{"name":"A","baseUrl":"https://a.example","authToken":"{token}"}}]')

    def change(listed: Providers) -> None:
        listed.entries[0] |= {"name": "B", "models": {"opus": "m"}, "env": {"A": "1"}}

    store.edit(inputs(home), change)
    assert f'"authToken": "{token}",' in file.read_text() and '"name": "B"' in file.read_text()
    store.edit(inputs(home), lambda listed: listed.entries[0].update(authToken="sk-new"))
    assert token not in file.read_text() and '"authToken": "sk-new"' in file.read_text()


def test_a_file_that_is_only_made_private_keeps_its_bytes(home: Home) -> None:
    file = home.providers([])
    text = f"[{ODD[:-1]}, {json.dumps('authToken')}: {json.dumps('sk-odd')}}}]"
    file.write_text(text)
    file.chmod(0o644)
    store.edit(inputs(home), no_change)
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == (text, 0o600)


def test_entries_can_be_changed_replaced_and_removed(home: Home) -> None:
    file = home.providers([*GUIDE, "junk"])

    def change(listed: Providers) -> str:
        listed.entries[1]["defaultModel"] = " other "
        listed.entries[2] = NEW
        del listed.entries[0]
        return "result"

    assert store.edit(inputs(home), change) == "result"
    assert without_space(file) == json.dumps(
        [GUIDE[1] | {"defaultModel": "other"}, NEW, GUIDE[3], "junk"]
    )


def test_only_valid_entries_get_an_id(home: Home) -> None:
    bare = {"name": "A", "baseUrl": "https://x"}
    empty = {"name": "B", "id": "", "baseUrl": "https://x"}
    wrong = {"name": "C", "baseUrl": "no scheme"}
    file = home.providers([bare, empty, wrong, GUIDE[0]])
    store.edit(inputs(home), add({"name": "D", "baseUrl": "https://x"}))
    written = json.loads(file.read_text())
    assert written[2:4] == [wrong, GUIDE[0]]
    ids = [written[i].pop("id") for i in (0, 1, 4)]
    assert len(set(ids)) == 3
    assert all(len(i) == 36 and i[14] == "4" for i in ids)
    assert written[0] == bare


def test_a_copy_of_an_entry_gets_an_id_of_its_own(home: Home) -> None:
    file = home.providers()
    store.edit(inputs(home), add(GUIDE[0] | {"name": "Copy"}))
    written = json.loads(file.read_text())
    assert written[0] == GUIDE[0]
    assert written[4]["id"] not in ("", GUIDE[0]["id"])


def test_a_list_in_an_object_keeps_its_form(home: Home) -> None:
    file = home.providers({"version": 3, "providers": [GUIDE[0]], "z": [1]})
    store.edit(inputs(home), add(NEW))
    assert without_space(file) == json.dumps({"version": 3, "providers": [GUIDE[0], NEW], "z": [1]})


def test_a_single_object_becomes_a_list_with_the_second_entry(home: Home) -> None:
    file = home.providers(GUIDE[0])

    def change(listed: Providers) -> None:
        listed.entries[0]["defaultModel"] = "m"

    store.edit(inputs(home), change)
    assert without_space(file) == json.dumps(GUIDE[0] | {"defaultModel": "m"})
    store.edit(inputs(home), add(NEW))
    assert without_space(file) == json.dumps([GUIDE[0] | {"defaultModel": "m"}, NEW])


def test_a_change_that_changes_nothing_writes_nothing(home: Home) -> None:
    file = home.providers()
    before = file.stat().st_ino, file.read_bytes()
    store.edit(inputs(home), no_change)
    assert (file.stat().st_ino, file.read_bytes()) == before


# Refused changes, which leave the file as it is


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[{]", "line 1, column 3"),
        (b'[{"name": "A",\n  "models": }]', "line 2, column 13"),
        (b"\xff[]", "not UTF-8"),
        (b"5", "neither a list nor an object"),
        (b'"x"', "neither a list nor an object"),
        (b"[1e999]", ""),
        (b"[NaN]", "not valid JSON"),
        (b"[" * 100000 + b"]" * 100000, "nested too deeply"),
        (b"[" * 600 + b"]" * 600, ""),
        (b'{"servers": {"a": 1}}', "not a provider"),
        (b"[]" + b" " * (17 << 20), "larger than 16 MiB"),
    ],
)
def test_a_file_that_cannot_be_read_or_rewritten_is_never_overwritten(
    home: Home, content: bytes, says: str
) -> None:
    file = home.providers()
    file.write_bytes(content)
    os.utime(file, (1, 1))  # too old to be incomplete
    try:
        store.edit(inputs(home), add(NEW))
    except CoworkEnvError as error:
        assert says in error.message
        assert file.read_bytes() == content
    else:  # Some interpreters allow deeper nesting; then nothing is lost.
        assert not says
        assert json.loads(file.read_bytes())[:-1] == json.loads(content)
    assert other_files(home) == []


@pytest.mark.parametrize(
    "change",
    [
        {"name": "x\ud800"},
        {"name": ""},
        {"name": "none"},
        {"name": "openrouter"},
        {"name": "OPENROUTER "},
        {"baseUrl": "ftp://x"},
        {"defaultModel": "m\ud800"},
        {"env": {"A": "\ud800"}},
        {"authToken": "sk-hidden\x1b"},
        {"auth": "sk-hidden"},
        {"authTokenFrom": "nope:sk-hidden"},
        {"models": {"opus": 5}},
    ],
)
def test_an_invalid_entry_is_refused_and_nothing_written(
    home: Home, change: dict[str, Any]
) -> None:
    file = home.providers()
    before = file.read_bytes()
    with pytest.raises(CoworkEnvError) as caught:
        store.edit(inputs(home), add(NEW | change))
    assert "sk-hidden" not in caught.value.message + caught.value.hint
    assert caught.value.message.isprintable()
    assert file.read_bytes() == before
    assert other_files(home) == []


@pytest.mark.parametrize(
    "new",
    [
        {"name": "My-Anthropic-API"},  # another's slug
        {"name": "my anthropic_api"},  # the same slug
        {"name": "22222222-2222-4222-8222-222222222222"},  # another's id
        {"id": "openrouter"},  # another's name
        {"id": "My-anthropic-api"},
    ],
)
def test_an_entry_that_could_be_taken_for_another_is_refused(
    home: Home, new: dict[str, Any]
) -> None:
    file = home.providers()
    before = file.read_bytes()
    with pytest.raises(CoworkEnvError, match=r"There is a provider '.*' already, which '.*' could"):
        store.edit(inputs(home), add(NEW | new))

    def rename(listed: Providers) -> None:
        listed.entries[2] |= new

    with pytest.raises(CoworkEnvError, match="already, which"):
        store.edit(inputs(home), rename)
    assert file.read_bytes() == before


def test_what_is_ambiguous_already_can_be_edited_and_resolved(home: Home) -> None:
    twins = [GUIDE[1], {**GUIDE[2], "name": "openrouter"}, {**GUIDE[3], "id": "OpenRouter"}]
    file = home.providers(twins)

    def change(key: str, value: str) -> Callable[[Providers], None]:
        return lambda listed: listed.entries[1].__setitem__(key, value)

    store.edit(inputs(home), change("defaultModel", "m"))
    with pytest.raises(CoworkEnvError, match="already"):
        store.edit(inputs(home), add(NEW | {"name": "OPENROUTER"}))
    store.edit(inputs(home), change("name", "Distinct"))
    assert json.loads(file.read_text())[1]["name"] == "Distinct"


def test_what_could_not_be_read_again_is_not_written(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too large as a whole, though no entry is; or changed by our own reader."""
    file = home.providers()
    before = file.read_bytes()
    with pytest.raises(CoworkEnvError, match=r"too large \(more than 16 MiB\)"):
        store.edit(inputs(home), add(NEW | {"theirs": "x" * (16 << 20)}))
    monkeypatch.setattr(store, "_document", lambda listed, _: '[{"name": 1}]')
    with pytest.raises(CoworkEnvError, match="could not be read again"):
        store.edit(inputs(home), add(NEW))
    monkeypatch.setattr(store, "_document", lambda listed, _: "[")
    with pytest.raises(CoworkEnvError, match="could not be read again"):
        store.edit(inputs(home), add(NEW))
    assert file.read_bytes() == before
    assert other_files(home) == []


def test_a_value_that_fits_into_no_environment_is_refused(home: Home) -> None:
    home.providers()
    with pytest.raises(CoworkEnvError, match="New sets A to more than the 128 KiB"):
        store.edit(inputs(home), add(NEW | {"env": {"A": "x" * (200 << 10)}}))


@pytest.mark.parametrize("entry", [None, 5, "x", []])
def test_an_entry_that_is_not_an_object_cannot_be_added(home: Home, entry: Any) -> None:
    home.providers()
    with pytest.raises(CoworkEnvError, match="is not an object"):
        store.edit(inputs(home), add(entry))


def test_a_change_that_raises_leaves_the_file_and_releases_the_lock(home: Home) -> None:
    file = home.providers()
    before = file.read_bytes()

    def change(listed: Providers) -> None:
        listed.entries.clear()
        raise ValueError

    with pytest.raises(ValueError):
        store.edit(inputs(home), change)
    assert file.read_bytes() == before
    store.edit(inputs(home), add(NEW))


def test_providers_from_the_environment_are_read_only(home: Home) -> None:
    with pytest.raises(CoworkEnvError, match=r"\$COWORK_ENV_PROVIDERS_JSON"):
        store.edit(inputs(home, COWORK_ENV_PROVIDERS_JSON="[]"), add(NEW))
    assert not home.file.exists()


# Links and modes


def test_a_symbolic_link_stays_one_and_its_target_is_replaced(home: Home, tmp_path: Path) -> None:
    target = tmp_path / "dotfiles/p.json"
    target.parent.mkdir()
    target.write_text(json.dumps(GUIDE))
    target.chmod(0o600)
    home.file.parent.mkdir(parents=True)
    home.file.symlink_to(target)
    store.edit(inputs(home), add(NEW))
    assert home.file.is_symlink()
    assert json.loads(target.read_text())[-1] == NEW
    assert list(target.parent.iterdir()) == [target]


def test_a_dangling_link_is_written_through(home: Home, tmp_path: Path) -> None:
    link = home.config / "Agent Cowork/providers.json"
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "later/p.json")
    store.edit(inputs(home), add(NEW))
    assert link.is_symlink()
    assert json.loads((tmp_path / "later/p.json").read_text()) == [NEW]


@pytest.mark.parametrize("change", [add(NEW), no_change])
def test_a_file_readable_by_others_is_reported_and_made_private_by_a_write(
    home: Home, change: Callable[[Providers], None]
) -> None:
    file = home.providers()
    assert store.exposure(providers.read(str(file))) == ""
    file.chmod(0o644)
    assert "mode 644" in store.exposure(providers.read(str(file)))
    store.edit(inputs(home), change)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "secret",
    [
        {"authToken": "sk-x"},
        {"env": {"SOME_TOKEN": "x"}},
        {"baseUrl": "https://u:p@x.example"},
        {"authTokenFrom": "sk-in-the-wrong-place"},
        {"theirApiKey": "x"},
    ],
)
def test_a_file_without_keys_may_be_readable_and_stays_so(
    home: Home, secret: dict[str, Any]
) -> None:
    """As a list of providers in a repository; with the first key it becomes private."""
    keyless = {"id": "k", "name": "Team", "baseUrl": "https://t.example", "env": {"A": "1"}}
    keyless["authTokenFrom"] = "env:TEAM_KEY"
    file = home.providers([keyless])
    file.chmod(0o644)
    assert store.exposure(providers.read(str(file))) == ""
    more = {"id": "m", "name": "More", "baseUrl": "https://m.example"}
    store.edit(inputs(home), add(more))
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    file.write_text(json.dumps([keyless | secret]))
    assert "mode 644" in store.exposure(providers.read(str(file)))
    store.edit(inputs(home), no_change)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_first_key_makes_the_file_private(home: Home) -> None:
    file = home.providers([])
    file.chmod(0o644)
    store.edit(inputs(home), add(NEW))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_no_file_is_not_exposed(home: Home) -> None:
    assert store.exposure(providers.read(str(home.file))) == ""


def test_old_temporary_files_of_killed_writers_are_removed(home: Home) -> None:
    file = home.providers()
    old, young, foreign = (
        file.parent / name
        for name in (
            ".providers.json.123.0123abcd.tmp",
            ".providers.json.124.0123abcd.tmp",
            ".providers.json.mine.tmp",
        )
    )
    for path in (old, young, foreign):
        path.write_text("sk-key")
    for path in (old, foreign):
        os.utime(path, (time.time() - files.LEFTOVER_AGE - 1,) * 2)
    store.edit(inputs(home), add(NEW))
    assert [p.exists() for p in (old, young, foreign)] == [False, True, True]


# Imports


def test_importing_the_store_imports_nothing_that_only_writing_needs(home: Home) -> None:
    code = "print([m for m in ('pydantic', 'fcntl', 'json', 're') if m in sys.modules])"
    with running(home, "A", code) as process:
        assert process.communicate(timeout=60)[0] == "[]\n"
