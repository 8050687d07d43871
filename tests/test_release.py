"""``just release``, in a copy of the project with a stand-in for the upload."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from support.home import ROOT, need
from support.program import Completed, execute

# A twine that uploads nothing, and checks as the real one.
TWINE = """
import os, sys
if sys.argv[1] == "upload":
    with open(os.environ["UPLOADED"], "a") as file:
        file.write("\\n".join(sys.argv[2:]) + "\\n")
    sys.exit(int(os.environ.get("UPLOAD_STATUS", "0")))
del os.environ["PYTHONPATH"]
os.execv(sys.executable, [sys.executable, "-m", "twine", *sys.argv[1:]])
"""


class Project:
    """A clean repository with the project, whose tests have passed, and a version to release."""

    def __init__(self, folder: Path) -> None:
        self.path, self.uploaded = folder / "project", folder / "uploaded"
        names = ["pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "SECURITY.md"]
        names += ["CHANGELOG.md", "CONTRIBUTING.md", "justfile"]
        self.path.mkdir()
        for name in names:
            shutil.copy(ROOT / name, self.path)
        ignored = shutil.ignore_patterns("__pycache__")
        for name in ("cowork_env", "shell", "docs", ".ci"):
            shutil.copytree(ROOT / name, self.path / name, ignore=ignored)
        for path in [self.path / "README.md", *self.path.glob("docs/*.md")]:
            if path.name != "releasing.md":
                text = path.read_text(encoding="utf-8")
                path.write_text(re.sub("(?i)not published|no package on PyPI", "", text))
        changelog = self.path / "CHANGELOG.md"
        text = changelog.read_text(encoding="utf-8")
        changelog.write_text(re.sub(r"(?m)^## \[.*", "## [7.8.9] - Unreleased", text, count=1))
        (self.path / ".gitignore").write_text("dist/\n__pycache__/\n")
        stubs = folder / "stubs/twine"
        stubs.mkdir(parents=True)
        (stubs / "__init__.py").touch()
        (stubs / "__main__.py").write_text(TWINE)
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("GIT_")},
            "HOME": str(folder),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_AUTHOR_NAME": "x",
            "GIT_AUTHOR_EMAIL": "x@example.com",
            "GIT_COMMITTER_NAME": "x",
            "GIT_COMMITTER_EMAIL": "x@example.com",
            "PYTHONPATH": str(stubs.parent),
            "UPLOADED": str(self.uploaded),
        }
        self.git("init", "-q", "-b", "main")
        self.commit()

    def git(self, *arguments: str) -> str:
        done = execute([need("git"), *arguments], env=self.env, cwd=self.path)
        return done.check().stdout.strip()

    def commit(self, passed: bool = True) -> None:
        """Commit everything; ``passed``: as after ``just ci``."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "x")
        if passed:
            (self.path / ".git/ci-passed").write_text(self.git("rev-parse", "HEAD^{tree}") + "\n")

    def release(self, *arguments: str, **env: str) -> Completed:
        command = [sys.executable, ".ci/release.py", *arguments]
        return execute(command, env={**self.env, **env}, cwd=self.path)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_release_in_one_command(project: Project) -> None:
    shown = project.release("7.8.9").check().stdout
    assert "Publish it: just release 7.8.9 --publish" in shown
    names = ["cowork_env-7.8.9.tar.gz", "cowork_env-7.8.9-py3-none-any.whl"]
    assert sorted(p.name for p in project.path.glob("dist/7.8.9/*")) == sorted(names)
    assert '__version__ = "7.8.9"' in project.git("show", "v7.8.9:cowork_env/__init__.py")
    (heading,) = re.findall(r"(?m)^## \[7\.8\.9] - .*$", project.git("show", "v7.8.9:CHANGELOG.md"))
    assert re.fullmatch(r"## \[7\.8\.9] - \d{4}-\d\d-\d\d", heading)
    tag = project.git("cat-file", "-p", "v7.8.9")
    assert heading in tag and "### Added" in tag
    assert not project.uploaded.exists() and not project.git("status", "--porcelain")
    # Publishing what is made, also after an upload that failed, makes nothing new.
    failed = project.release("7.8.9", "--publish", UPLOAD_STATUS="1").check(1)
    assert failed.stderr == "just release: the upload failed. Run the same again.\n"
    folder = project.path / "dist/7.8.9"
    assert project.uploaded.read_text().splitlines() == [str(folder / name) for name in names]
    assert project.git("log", "--format=%s").splitlines() == ["Release 7.8.9", "x"]


def test_what_keeps_a_release_from_being_made(project: Project) -> None:
    def refused(why: str, *arguments: str) -> None:
        head = project.git("rev-parse", "HEAD")
        done = project.release(*(arguments or ("7.8.9",))).check(1)
        assert done.stderr.startswith("just release: ") and why in done.stderr
        assert "Traceback" not in done.stderr
        assert project.git("rev-parse", "HEAD") == head and not project.git("tag")

    refused("'v7.8.9' is no version", "v7.8.9")
    refused("CHANGELOG.md has no section '## [7.9.0] - DATE'", "7.9.0")
    readme = project.path / "README.md"
    readme.write_text(readme.read_text() + "Not published.\n")
    refused("not committed")
    project.commit(passed=False)
    refused("The tests have not run for this commit. Run: just ci")
    refused("These say that there is no package: README.md.", "7.8.9", "--publish")
    # A build that fails: nothing stays of it.
    (project.path / "hatch_build.py").write_text("raise SystemExit(1)\n")
    project.commit()
    refused("-m build failed:")
    assert not project.git("status", "--porcelain")


def test_the_suite_says_what_has_passed(project: Project) -> None:
    """The last lines of .ci/run, in a repository with and without changes."""
    lines = (ROOT / ".ci/run").read_text(encoding="utf-8")
    code = lines[lines.index('# For "just release"') : lines.index("step 'done'")]
    passed = project.path / ".git/ci-passed"
    passed.unlink()
    (project.path / "new").touch()
    execute([need("bash"), "-euc", code], env=project.env, cwd=project.path).check()
    assert not passed.exists()
    (project.path / "new").unlink()
    execute([need("bash"), "-euc", code], env=project.env, cwd=project.path).check()
    assert passed.read_text() == project.git("rev-parse", "HEAD^{tree}") + "\n"
