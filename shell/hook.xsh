# cowork-env's hook for xonsh: execx($(cowork-env hook xonsh))
#
# At a prompt where nothing changed it starts no process: it compares the directory, the pins on the
# way up, a few variables, and the timestamps of a few files with what the active response was about.
# For anything else it requests a response from the program (its fields are described in
# cowork_env/hook/protocol.py). All of it is Python, and none of it is exported.

def __cowork_env_load():
    import json
    import os
    import signal
    import subprocess
    import sys

    session, env = __xonsh__, __xonsh__.env

    def values_of(*names):
        return [env.get(name) for name in names]

    # The variables that our folders follow from, when the hook was rendered.
    folders = values_of(@FOLDERS@)
    # What the active response is about, the files to watch, how to undo it, its error; the notices
    # that were shown; whether no prompt has been reached yet.
    now = {"key": None, "watches": [], "undo": "", "error": "", "provider": "", "shown": set()}
    now["starting"] = "starting"

    def snapshot():
        """What a response depends on beside the watched files: pins with their contents, variables."""
        try:
            here = directory = os.getcwd()
        except OSError:
            here = directory = ""
        pins = []
        while directory:
            pin = os.path.join(directory, ".cowork-provider")
            if os.path.exists(pin):
                content = b"!"
                try:
                    # A FIFO would block, or take a writer's data; a file in /proc has no size.
                    if not os.path.isfile(pin):
                        raise OSError
                    opened = os.open(pin, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                    try:
                        if os.path.isfile(opened) and os.path.getsize(opened):
                            content = os.read(opened, 4097) if os.path.getsize(opened) <= 4096 else b"?"
                    finally:
                        os.close(opened)
                except OSError:
                    pass
                pins.append(f"{pin}\1{os.fsdecode(content)}\1")
            directory = "" if directory == os.path.dirname(directory) else os.path.dirname(directory)
        context = values_of("COWORK_ENV_STATE", @CONTEXT@)
        return {"here": here, "pins": "".join(pins), "context": context}

    def unchanged(watch):
        """Whether a watched file is as it was; its reference is named after its timestamp."""
        try:
            if watch["same_as"]:
                return os.path.samefile(watch["path"], watch["same_as"])
            timestamp = int(os.path.basename(watch["reference"]) or -1)
            return os.stat(watch["path"]).st_mtime_ns == timestamp
        except (OSError, ValueError):
            return not watch["reference"] and not watch["same_as"]

    def request(flags):
        """The program's response as a dictionary, None for none."""
        command = [@REQUEST@, "flags=" + flags]
        if values_of(@FOLDERS@) == folders:
            command += ["state_dir=" + @STATE_DIR@, "config_dir=" + @CONFIG_DIR@]
        null = subprocess.DEVNULL
        streams = {"stdin": null, "stdout": subprocess.PIPE, "stderr": null}
        try:
            return json.loads(subprocess.run(command, env=env.detype(), **streams).stdout)
        except (OSError, ValueError):
            return None

    def change(code):
        """Run statements; an interrupt is deferred until all are done, where the system can."""
        block = getattr(signal, "pthread_sigmask", None)
        before = block and block(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            exec(code, {"__xonsh__": session})
        finally:
            block and block(signal.SIG_SETMASK, before)

    def put_launchers_first():
        """Have the launchers' folder on PATH once, first, as long as it exists and is the user's."""
        folder = @LAUNCHERS@
        try:
            first = [folder] * (os.path.isdir(folder) and os.stat(folder).st_uid == os.geteuid())
        except OSError:
            first = []
        entries = [str(entry) for entry in env.get("PATH") or []]
        wanted = first + [entry for entry in entries if entry != folder]
        if wanted not in (entries, first, []) and entries and ":" not in folder:
            env["PATH"] = wanted

    def update():
        put_launchers_first()
        key = snapshot()
        if not now["starting"] and key == now["key"] and all(map(unchanged, now["watches"])):
            return
        slow = interrupted = False
        try:
            response = request(now["starting"])
            if response and "pending" in response["flags"]:
                # A slow lookup follows. What this response asked for stays in force if that is
                # interrupted.
                slow = True
                change(response["now"])
                now["undo"] = response["undo"]
                terminal = " terminal" if env.get("XONSH_INTERACTIVE") else ""
                response = request(now["starting"] + " allow-slow" + terminal)
        except KeyboardInterrupt:
            response, interrupted = None, True
        if slow and not response:
            response = request(now["starting"] + " given-up")
        if not response:
            change(now["undo"])
            now.update(undo="", key={**key, "context": snapshot()["context"]})
            finish("", "", "" if interrupted else @CANNOT_RUN@)
            return
        change(response["now"])
        moved = response["directory"] != (key["here"] or "gone")
        stale = moved or response["pins"] != key["pins"]
        now.update(undo=response["undo"], watches=response["watches"])
        now["key"] = None if stale else {**key, "context": snapshot()["context"]}
        quiet = now["starting"] and "quiet" in response["flags"]
        finish(response["provider"], "" if quiet else response["label"], response["error"])
        for notice in response["notices"]:
            if notice["id"] not in now["shown"] and env.get("XONSH_INTERACTIVE"):
                now["shown"].add(notice["id"])
                show(notice["text"])

    def finish(provider, label, error):
        """The response is applied: note that, and tell the user what is new."""
        before = dict(now)
        now.update(provider=provider, error=error)
        if error and error != before["error"]:
            show(error)
        elif provider != before["provider"] and env.get("XONSH_INTERACTIVE") and env.get("COWORK_ENV_QUIET") != "1":
            if not provider:
                show("left " + before["provider"])
            elif label:
                show(label)

    def show(text):
        print("cowork-env: " + text, file=sys.stderr, flush=True)

    def __cowork_env_prompt(**_):
        update()
        now["starting"] = ""

    def __cowork_env_moved(**_):
        update()

    for event, handler in ((events.on_pre_prompt, __cowork_env_prompt), (events.on_chdir, __cowork_env_moved)):
        for other in [h for h in event if getattr(h, "__name__", "") == handler.__name__]:
            event.discard(other)
        event(handler)

__cowork_env_load()
del __cowork_env_load
