# Tasks for development. CI and pre-commit run the same ones. "just" comes with the test extra.

bin := ".venv/bin"

# Another interpreter, with the test extra installed: just python=PATH core
python := bin / "python"
just := quote(just_executable())

set positional-arguments

# List the tasks
@_default:
    {{ just }} --list --unsorted

# Run the test suite in parallel; arguments go to pytest
test *args:
    {{ python }} -m pytest -n auto "$@"

# Run what may depend on the version of Python; with bash as the only shell
core *args:
    {{ python }} -m pytest -q -n auto -k 'not zsh and not fish' \
      tests/core tests/util tests/cli/test_main.py tests/cli/test_errors.py \
      tests/cli/test_fast_path.py tests/cli/test_completion.py tests/test_masking.py \
      tests/hook/test_entering.py tests/hook/test_changes.py tests/hook/test_directories.py \
      tests/hook/test_failures.py tests/hook/test_loading.py tests/hook/test_remembering.py \
      tests/hook/test_fast_path.py tests/hook/test_respond.py "$@"

# Run the tests of real Claude Code, SDKs and LiteLLM, in COWORK_ENV_CLIENTS or a new folder
clients *args:
    {{ python }} -m pytest -n auto -m clients tests/clients "$@"

# Measure branch coverage, without the slowest tests and those at prompts; failures are ignored
coverage *args:
    {{ bin }}/coverage erase
    -{{ bin }}/coverage run -m pytest -q -n auto --timeout 300 \
      -k 'not writers and not accept_the_same_entries' \
      tests/core tests/util tests/shells tests/secrets tests/cli tests/doctor tests/test_*.py \
      tests/hook/test_respond.py --ignore=tests/test_packaging.py "$@"
    {{ bin }}/coverage combine --quiet
    {{ bin }}/coverage report

# Check everything that can be checked without running a test
lint: lint-python lint-types lint-shell

# Check Python style and formatting
lint-python:
    {{ bin }}/ruff check .
    {{ bin }}/ruff format --check .

# Check types
lint-types:
    {{ bin }}/mypy

# Check shell scripts and the syntax of the hooks, in each shell that is installed
lint-shell:
    shellcheck shell/hook.bash shell/completion.bash shell/cowork-env .ci/run tests/clients/prepare
    {{ just }} _syntax bash -n
    {{ just }} _syntax zsh -n
    {{ just }} _syntax fish --no-execute
    {{ just }} _syntax tcsh -n
    {{ just }} _syntax elvish -compileonly elv

_syntax shell option suffix=shell:
    #!/bin/sh
    if [ -n "${CI-}" ] || command -v {{ shell }} >/dev/null; then
      for file in shell/*.{{ suffix }}; do
        {{ shell }} {{ option }} "$file" || exit
      done
      exit
    fi
    echo '{{ shell }} is not installed: shell/*.{{ suffix }} is not checked'

# Format the code, and fix what ruff can fix
format:
    {{ bin }}/ruff check --fix .
    {{ bin }}/ruff format .

# Run the benchmark beside direnv and mise; --smoke only checks that it works
bench *args:
    {{ python }} bench/run.py "$@"

# Update the documents that are made from the program's own output
docs:
    {{ python }} docs/make_commands.py >docs/commands.md
    {{ python }} docs/make_manual.py >docs/cowork-env.1
    {{ python }} docs/make_completion.py >cowork_env/cli/completion.json
    {{ python }} docs/make_tables.py
    {{ python }} docs/make_picture.py demo >docs/demo.svg
    {{ python }} docs/make_picture.py status >docs/status.svg

# Update what the documents and the README show of the benchmark
bench-docs:
    {{ python }} bench/run.py --json >bench/result.json
    {{ python }} bench/report.py bench/result.json --markdown >bench/table.md
    {{ python }} bench/report.py bench/result.json --svg >docs/bench.svg
    {{ python }} bench/report.py bench/result.json --readme README.md

# Make a release: version, changelog, commit, build, tag; with --publish, upload it (docs/releasing.md)
release version *args:
    {{ python }} .ci/release.py "$@"

# Run everything that has to pass before a change lands; installs Debian packages
ci:
    .ci/run
