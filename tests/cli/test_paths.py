"""``paths``: where everything is kept."""

from __future__ import annotations

import sys

from support.documents import ROOT, code, rows, section
from support.home import Home
from support.program import Program, run_in_shell


def test_every_place_with_the_home_as_tilde(home: Home) -> None:
    home.providers()
    pin = home.pin(home.path / "work", "openrouter\n")
    below = pin.parent / "below"
    below.mkdir()
    (home.path / ".bashrc").write_text('\neval "$(cowork-env hook bash)"\n')
    done = run_in_shell(home, "bash", "cowork-env paths; exit $?", cwd=below).check()
    assert done.stderr == "" and str(home.path) not in done.stdout
    lines = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert lines["providers"] == f"path ~/{home.file.relative_to(home.path)}"
    assert lines["pin here"] == "path ~/work/.cowork-provider"
    assert lines["selection"].endswith("/selection; not there")
    assert lines["startup file"] == "path ~/.bashrc; the hook is loaded in ~/.bashrc:2"
    assert lines["Python"].startswith(f"path {sys.prefix}/bin/python")


def test_json_has_absolute_paths_and_the_documented_keys(home: Home) -> None:
    home.providers()
    found = Program(home).run("paths", "--json").check().json()
    documented = [code(row[0])[0] for row in rows(section(ROOT / "docs/configuration.md", "Paths"))]
    assert list(found) == ["version", *documented]
    assert found.pop("version") == 1
    assert found["providers"] == {"path": str(home.file), "exists": True, "note": ""}
    for place in found.values():
        assert place.keys() == {"path", "exists", "note"}
        assert place["path"] is None or place["path"].startswith("/")


def test_it_works_where_things_are_broken(home: Home) -> None:
    home.state.parent.mkdir(parents=True)
    home.state.write_text("no folder")
    env = {"COWORK_ENV_PROVIDERS_FILE": "/nowhere/x.json", "COWORK_ENV_CATALOG": "relative"}
    done = Program(home).run("paths", HOME="relative", **env).check()
    assert "providers: path /nowhere/x.json; not there; from $COWORK_ENV_PROVIDERS_FILE\n" in (
        done.stdout
    )
    assert "catalogue: path none; $COWORK_ENV_CATALOG is not an absolute path." in done.stdout
    assert "startup file: path none" in done.stdout
    done = Program(home).run("paths", COWORK_ENV_PROVIDERS_JSON="[").check()
    assert "providers: path none; the text is in $COWORK_ENV_PROVIDERS_JSON\n" in done.stdout
