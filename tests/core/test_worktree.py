"""A pin in a linked git worktree is allowed as in the main checkout, and by no forged link."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cowork_env.core import worktree
from cowork_env.core.trust import ALLOWED, DENIED, UNTRUSTED, TrustStore, location

from support.home import need
from support.other_user import give, need_root

PIN = b"OpenRouter\n"
OTHER = b"LiteLLM Local\n"


def git(directory: Path, *arguments: str) -> None:
    own = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    identity = [
        "-c",
        "user.name=T",
        "-c",
        "user.email=t@example.com",
        "-c",
        "protocol.file.allow=always",
    ]
    command = [need("git"), "-C", str(directory), *identity, *arguments]
    subprocess.run(command, check=True, capture_output=True, env=own | {"HOME": str(directory)})


class Repository:
    """A main checkout with a pin, and a linked worktree of a second branch."""

    def __init__(self, root: Path) -> None:
        self.main, self.tree = root / "main", root / "elsewhere" / "feature"
        (self.main / "sub").mkdir(parents=True)
        git(self.main, "init", "-q", "-b", "main")
        for directory in (self.main, self.main / "sub"):
            (directory / ".cowork-provider").write_bytes(PIN)
        git(self.main, "add", "-A")
        git(self.main, "commit", "-qm", "x")
        git(self.main, "worktree", "add", "-q", str(self.tree), "-b", "feature")
        self.store = TrustStore(str(root / "state"))

    def allow(self, directory: str = "", content: bytes = PIN) -> None:
        self.store.allow(place(self.main / directory), content)

    def check(self, tree: Path | None = None, content: bytes = PIN) -> str:
        return self.store.check(place(tree or self.tree), content)


def place(directory: Path) -> str:
    return location(str(directory / ".cowork-provider"))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(Path(os.path.realpath(tmp_path)))


def test_trust_in_the_main_checkout_counts_in_a_linked_worktree(repository: Repository) -> None:
    assert repository.check() == UNTRUSTED
    repository.allow()
    assert repository.check() == ALLOWED
    assert repository.check(content=OTHER) == UNTRUSTED
    assert set(repository.store.links) >= {str(repository.tree / ".git")}


def test_the_place_in_the_checkout_has_to_be_the_same(repository: Repository) -> None:
    repository.allow("sub")
    assert repository.check(repository.tree / "sub") == ALLOWED
    assert repository.check() == UNTRUSTED


def test_a_worktree_may_be_denied_and_the_main_checkout_too(repository: Repository) -> None:
    repository.allow()
    repository.store.deny(place(repository.tree))
    assert repository.check() == DENIED
    repository.store.allow(place(repository.tree), PIN)
    repository.store.deny(place(repository.main))
    assert repository.check() == ALLOWED, "It was allowed by itself."
    assert repository.check(repository.tree / "sub") == UNTRUSTED


def test_trust_in_all_below_the_main_checkout_is_not_in_what_a_branch_says(
    repository: Repository,
) -> None:
    repository.store.allow_below(str(repository.main))
    assert repository.check() == ALLOWED
    assert repository.check(content=OTHER) == UNTRUSTED
    (repository.main / ".cowork-provider").write_bytes(OTHER)
    assert repository.check() == UNTRUSTED
    assert repository.check(content=OTHER) == ALLOWED


def test_relative_links(repository: Repository) -> None:
    repository.allow()
    folder = repository.main / ".git/worktrees/feature"
    (repository.tree / ".git").write_text(f"gitdir: {os.path.relpath(folder, repository.tree)}\n")
    (folder / "gitdir").write_text(f"{os.path.relpath(repository.tree / '.git', folder)}\n")
    assert repository.check() == ALLOWED


def test_a_worktree_within_the_main_checkout(repository: Repository) -> None:
    inside = repository.main / "trees" / "b"
    git(repository.main, "worktree", "add", "-q", str(inside), "-b", "b")
    assert repository.check(inside) == UNTRUSTED
    repository.allow()
    assert repository.check(inside) == ALLOWED
    assert repository.check(repository.main / "trees") == UNTRUSTED


def test_a_moved_main_checkout_is_not_the_one_that_was_allowed(repository: Repository) -> None:
    repository.allow()
    moved = repository.main.with_name("moved")
    repository.main.rename(moved)
    assert repository.check() == UNTRUSTED
    git(moved, "worktree", "repair", str(repository.tree))
    assert repository.check() == UNTRUSTED
    repository.store.allow(place(moved), PIN)
    assert repository.check() == ALLOWED


def test_a_moved_worktree(repository: Repository) -> None:
    repository.allow()
    moved = repository.tree.with_name("moved")
    repository.tree.rename(moved)
    assert repository.check(moved) == UNTRUSTED, "The main checkout does not know of it yet."
    git(moved, "worktree", "repair")
    assert repository.check(moved) == ALLOWED


def test_a_submodule_is_a_repository_of_its_own(repository: Repository, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "-q")
    (library / ".cowork-provider").write_bytes(PIN)
    git(library, "add", "-A")
    git(library, "commit", "-qm", "x")
    for checkout in (repository.main, repository.tree):
        git(checkout, "submodule", "--quiet", "add", str(library), "lib")
    repository.allow("lib")
    repository.allow()
    assert repository.check(repository.tree / "lib") == UNTRUSTED
    assert worktree.find(str(repository.main / "lib")) is None


def test_a_bare_repository_has_no_main_checkout(repository: Repository, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", str(repository.main), str(bare))
    git(bare, "worktree", "add", "-q", str(tmp_path / "w"), "-b", "w")
    assert worktree.find(str(tmp_path / "w")) is None


# Forged links: each makes a folder that claims to be a worktree of the main checkout.


def claim(repository: Repository, text: str) -> Path:
    evil = repository.tree.parent / "evil"
    evil.mkdir()
    (evil / ".cowork-provider").write_bytes(PIN)
    (evil / ".git").write_text(text)
    return evil


def point_at_the_real_folder(repository: Repository) -> Path:
    return claim(repository, f"gitdir: {repository.main}/.git/worktrees/feature\n")


def own_folder_with_the_real_common_directory(repository: Repository) -> Path:
    evil = claim(repository, "gitdir: own/worktrees/x\n")
    folder = evil / "own/worktrees/x"
    folder.mkdir(parents=True)
    (folder / "gitdir").write_text(f"{evil}/.git\n")
    (folder / "commondir").write_text(f"{repository.main}/.git\n")
    return evil


def own_folder_by_a_link(repository: Repository) -> Path:
    evil = own_folder_with_the_real_common_directory(repository)
    (evil / ".git").write_text("gitdir: m/.git/worktrees/x\n")
    (evil / "m").mkdir()
    (evil / "own").rename(evil / "m/.git")
    (evil / "m/.git/objects").symlink_to(repository.main / ".git/objects")
    return evil


def a_link_as_git_file(repository: Repository) -> Path:
    evil = claim(repository, "")
    (evil / ".git").unlink()
    (evil / ".git").symlink_to(repository.tree / ".git")
    return evil


def the_whole_git_directory_as_a_link(repository: Repository) -> Path:
    evil = claim(repository, "")
    (evil / ".git").unlink()
    (evil / ".git").symlink_to(repository.main / ".git")
    return evil


def several_lines(repository: Repository) -> Path:
    evil = own_folder_with_the_real_common_directory(repository)
    (evil / ".git").write_text(f"gitdir: own/worktrees/x\ngitdir: {repository.main}/.git\n")
    return evil


def a_fifo(repository: Repository) -> Path:
    evil = claim(repository, "")
    (evil / ".git").unlink()
    os.mkfifo(evil / ".git")
    return evil


def a_fifo_behind_it(repository: Repository) -> Path:
    evil = claim(repository, "gitdir: g/.git/worktrees/x\n")
    (evil / "g/.git/worktrees/x").mkdir(parents=True)
    os.mkfifo(evil / "g/.git/worktrees/x/commondir")
    return evil


def nothing_behind_it(repository: Repository) -> Path:
    return claim(repository, "gitdir: ")


def a_nul(repository: Repository) -> Path:
    return claim(repository, f"gitdir: {repository.main}/.git/worktrees/feature\0x")


FORGERIES: list[Callable[[Repository], Path]] = [
    point_at_the_real_folder,
    own_folder_with_the_real_common_directory,
    own_folder_by_a_link,
    a_link_as_git_file,
    the_whole_git_directory_as_a_link,
    several_lines,
    a_fifo,
    a_fifo_behind_it,
    nothing_behind_it,
    a_nul,
]


@pytest.mark.parametrize("forge", FORGERIES)
def test_a_forged_link_counts_for_nothing(
    repository: Repository, forge: Callable[[Repository], Path]
) -> None:
    repository.allow()
    evil = forge(repository)
    assert repository.check(evil) == UNTRUSTED
    assert repository.check() == ALLOWED


def test_nothing_behind_a_link_is_looked_at_before_trust(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    monkeypatch.setattr(worktree, "physical", lambda path: looked.append(path) or path)
    assert repository.check() == UNTRUSTED and not looked
    repository.allow()
    assert repository.check() == ALLOWED and looked


def test_a_link_that_others_could_have_written(repository: Repository) -> None:
    repository.allow()
    (repository.main / ".git/worktrees/feature/gitdir").chmod(0o666)
    assert repository.check() == UNTRUSTED


def test_a_worktree_that_others_have_made_in_the_place_of_one(repository: Repository) -> None:
    """A worktree that was removed by hand is still listed in the main checkout."""
    need_root()
    repository.allow()
    assert repository.check() == ALLOWED
    give(repository.tree)
    assert repository.check() == UNTRUSTED
