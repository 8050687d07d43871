"""Random sessions in real shells, checked against a model after every prompt.

COWORK_ENV_STEPS sets the number of steps.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from support.home import Home, need
from support.model import (
    WATCHED,
)
from support.shells import SHELLS
from support.walk import Walk

STEPS = int(os.environ.get("COWORK_ENV_STEPS", "150"))
SESSION = 50  # steps in one shell


def walk(shell: str, folder: Path, line: str = "true", shrink: bool = True) -> int:
    """Let hypothesis choose the steps; how many it took. Each shell first runs ``line``."""
    steps = 0

    class Session(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.walk = Walk(shell, Home(Path(tempfile.mkdtemp(dir=folder))))
            self.walk.terminal.run(line)

        # The first prefers small examples, which shrink well; the second spreads evenly.
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
def test_random_sessions(shell: str, tmp_path: Path) -> None:
    """After every prompt the environment is as the model says; failing sessions are shortened."""
    need(shell)
    print(f"{walk(shell, tmp_path)} steps")


def test_the_model_detects_a_missing_hook(tmp_path: Path) -> None:
    """A shell without the hook fails."""
    need("bash")
    with pytest.raises(AssertionError):
        walk("bash", tmp_path, "PROMPT_COMMAND=; unset -f cd pushd popd", shrink=False)
