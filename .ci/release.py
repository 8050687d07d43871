"""Make a release: ``just release VERSION``, and with ``--publish`` also upload it.

See docs/releasing.md. Nothing is written before everything that can be checked has been, and what
was written is taken back if the build fails. To go on after an upload that failed: the same again.
"""

from __future__ import annotations

import argparse
import datetime
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHANGELOG, VERSION_FILE = ROOT / "CHANGELOG.md", ROOT / "cowork_env/__init__.py"
VERSION = re.compile(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?", re.ASCII)
UNPUBLISHED = re.compile(r"not published|no package on PyPI", re.IGNORECASE)


class Refused(Exception):
    """Why there is no release, and what to do."""


def run(*command: str, cwd: Path = ROOT) -> str:
    """Run a command, and return what it printed; raises :class:`Refused` if it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"{' '.join(command[:3])} failed:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout.strip()


def notes(version: str) -> str:
    """The section of the changelog for a version, with the date in its heading.

    A section that is "Unreleased" gets the date of today.
    """
    text = CHANGELOG.read_text(encoding="utf-8")
    pattern = rf"^## \[{re.escape(version)}\] - (\S+)\n(.*?)(?=^## \[|\Z)"
    found = re.search(pattern, text, re.DOTALL | re.MULTILINE)
    if not found or not found[2].strip():
        raise Refused(f"CHANGELOG.md has no section '## [{version}] - DATE'. Write it.")
    date = found[1]
    if date == "Unreleased":
        date = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    elif not re.fullmatch(r"\d{4}-\d\d-\d\d", date):
        raise Refused(f"'{date}' in CHANGELOG.md is neither a date nor 'Unreleased'.")
    return f"## [{version}] - {date}\n{found[2]}"


def check(version: str, publish: bool) -> bool:
    """Check what a release needs. True: it is made already, and is to be uploaded."""
    if not VERSION.fullmatch(version):
        raise Refused(f"'{version}' is no version such as 1.2.0 or 1.2.0rc1.")
    if run("git", "status", "--porcelain"):
        raise Refused("There are changes that are not committed. Commit or stash them.")
    if publish:
        documents = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
        told = [d.name for d in documents if UNPUBLISHED.search(d.read_text(encoding="utf-8"))]
        told = [name for name in told if name != "releasing.md"]
        if told:
            raise Refused(f"These say that there is no package: {', '.join(told)}. Correct them.")
    if run("git", "tag", "--list", f"v{version}"):
        if run("git", "rev-list", "-n", "1", f"v{version}") == run("git", "rev-parse", "HEAD"):
            return True
        raise Refused(f"The tag v{version} is there already. Choose another version.")
    notes(version)
    passed = ROOT / run("git", "rev-parse", "--git-path", "ci-passed")
    tree = run("git", "rev-parse", "HEAD^{tree}")
    if not passed.exists() or passed.read_text(encoding="utf-8").strip() != tree:
        raise Refused("The tests have not run for this commit. Run: just ci")
    return False


def build(version: str) -> list[str]:
    """Build what HEAD has, check it, and return the paths of sdist and wheel."""
    out = ROOT / "dist" / version
    names = (f"cowork_env-{version}.tar.gz", f"cowork_env-{version}-py3-none-any.whl")
    paths = [str(out / name) for name in names]
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "source.tar")
        run("git", "archive", "--prefix=source/", f"--output={archive}", "HEAD")
        run("tar", "-xf", str(archive), "-C", folder)
        options = ("--no-isolation", "--outdir", str(out))
        run(sys.executable, "-m", "build", *options, cwd=Path(folder, "source"))
    run(sys.executable, "-m", "twine", "check", "--strict", *paths)
    return paths


def release(version: str) -> list[str]:
    """Set version and date, commit, build and tag; the paths of sdist and wheel."""
    section = notes(version)
    before = run("git", "rev-parse", "HEAD")
    text = CHANGELOG.read_text(encoding="utf-8")
    heading = section.partition("\n")[0]
    text = re.sub(rf"^## \[{re.escape(version)}\] - \S+$", heading, text, flags=re.MULTILINE)
    CHANGELOG.write_text(text, encoding="utf-8")
    source = VERSION_FILE.read_text(encoding="utf-8")
    source = re.sub(r'^__version__ = ".*"$', f'__version__ = "{version}"', source, flags=re.M)
    VERSION_FILE.write_text(source, encoding="utf-8")
    try:
        run("git", "commit", "--quiet", "--allow-empty", "-am", f"Release {version}")
        paths = build(version)
        message = f"cowork-env {version}\n\n{section}"
        run("git", "tag", "--annotate", "--cleanup=verbatim", f"v{version}", "-m", message)
    except BaseException:
        run("git", "reset", "--quiet", "--hard", before)
        raise
    return paths


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="just release", description=__doc__.partition("\n")[0])
    parser.add_argument("version")
    parser.add_argument("--publish", action="store_true", help="upload it with twine")
    given = parser.parse_args()
    upload = [sys.executable, "-m", "twine", "upload"]
    try:
        made = check(given.version, given.publish)
        paths = build(given.version) if made else release(given.version)
        if given.publish:
            subprocess.run([*upload, *paths], cwd=ROOT, check=True)
    except Refused as error:
        sys.exit(f"just release: {error}")
    except subprocess.CalledProcessError:
        sys.exit("just release: the upload failed. Run the same again.")
    shown = [str(Path(path).relative_to(ROOT)) for path in paths]
    print(f"{'Published' if given.publish else 'Built and tagged'}: {' '.join(shown)}")
    print(f"The release notes are in the tag: git tag --list -n999 v{given.version}")
    if not given.publish:
        print(f"Publish it: just release {given.version} --publish")
    print(f"Push it: git push origin HEAD v{given.version}")


if __name__ == "__main__":
    main()
