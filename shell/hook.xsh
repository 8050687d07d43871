# cowork-env's hook for xonsh: execx($(cowork-env hook xonsh))
#
# At a prompt where nothing changed it starts no process: it compares the directory, the pins on the way up, a few
# variables, and the time stamps of a few files with what the last answer was about. For anything else it asks the
# program. All of it is Python, and nothing of it is exported.

def __cowork_env_load():
    import json
    import os
    import signal
    import subprocess
    import sys

    session, env = __xonsh__, __xonsh__.env
    ask, folders, package = [@ASK@], [@STATE_DIR@, @CONFIG_DIR@], @PACKAGE@
    variables = ("COWORK_ENV_STATE", "COWORK_PROVIDER", "COWORK_ENV_PROVIDERS_FILE", "COWORK_ENV_PROVIDERS_JSON")
    homes = ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")
    told = [env.get(name) for name in homes]
    # The question that the last answer was about, the files to watch (see ask.py), how to take it back, and what was
    # said; a state that was inherited names its provider until the first answer.
    now = {"question": None, "watches": [], "undo": "", "fresh": "f", "error": "", "said": set()}
    now["name"] = env.get("COWORK_ENV_ACTIVE", "") if env.get("COWORK_ENV_STATE") else ""

    def look():
        """What an answer depends on, beside the watched files: a few variables, and the pins with their contents."""
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
                    # A FIFO would have it wait, and something in /proc has no size.
                    opened = os.open(pin, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                    try:
                        if os.path.isfile(opened) and os.path.getsize(opened):
                            content = os.read(opened, 4097)
                    finally:
                        os.close(opened)
                except OSError:
                    pass
                pins.append(f"{pin}\1{os.fsdecode(content)}\1")
            directory = "" if directory == os.path.dirname(directory) else os.path.dirname(directory)
        return here, "".join(pins), [env.get(name) for name in variables + homes]

    def holds(file, reference):
        """Whether a watched file is as it was: the name of its reference is the time stamp that it had."""
        try:
            if reference.startswith("="):
                return os.path.samefile(file, reference[1:])
            return os.stat(file).st_mtime_ns == int(os.path.basename(reference) or -1)
        except (OSError, ValueError):
            return not reference

    def same(question):
        return question == now["question"] and all(holds(*watch) for watch in now["watches"])

    def run(flags):
        """The program's answer as a list, empty for none."""
        known = folders if [env.get(name) for name in homes] == told else ["", ""]
        command = [*ask, "xonsh", flags, *known, "", package]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env.detype())
            return json.loads(done.stdout)
        except (OSError, ValueError):
            return []

    def change(code):
        """Do what statements say. An interrupt waits until all of it is done, where it can be told to."""
        block = getattr(signal, "pthread_sigmask", None)
        before = block and block(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            exec(code, {"__xonsh__": session})
        finally:
            block and block(signal.SIG_SETMASK, before)

    def update(fresh=""):
        question = look()
        if not now["fresh"] and same(question):
            return
        interrupted = False
        flags = now["fresh"]
        try:
            reply = run(flags)
            if len(reply) >= 14 and "m" in reply[2]:
                # A slow look-up follows. What was active is left by now, if the provider is another.
                change(reply[8])
                reply = run(flags + "p")
        except KeyboardInterrupt:
            # No provider then, until something changes.
            reply, interrupted = [], True
        was = now["name"]
        if len(reply) < 14:
            change(now["undo"])
            now.update(undo="", question=(*question[:2], look()[2]))
            settle("", "", "" if interrupted else "the program cannot be run any more; install it again, or take its line out of your start-up file", was)
        else:
            change(reply[8])
            count = 14 + 2 * int(reply[13])
            stale = (reply[0] and reply[0] != question[0]) or (reply[1] and reply[1] != question[1])
            now.update(
                undo=reply[11], watches=list(zip(reply[count::2], reply[count + 1 :: 2])),
                question=None if stale else (*question[:2], look()[2]),
            )
            settle(reply[4], "" if now["fresh"] and "c" in reply[2] else reply[5], reply[6], was)
            for key, text in zip(reply[14:count:2], reply[15:count:2]):
                if key not in now["said"] and env.get("XONSH_INTERACTIVE"):
                    now["said"].add(key)
                    say(text)

    def settle(name, label, error, was):
        """Note the answer, and say what is new."""
        before = now["error"]
        now.update(name=name, error=error)
        if error and error != before:
            say(error)
        elif name != was and env.get("XONSH_INTERACTIVE") and env.get("COWORK_ENV_QUIET") != "1":
            if not name:
                say("left " + was)
            elif label:
                say(label)

    def say(text):
        print("cowork-env: " + text, file=sys.stderr, flush=True)

    def __cowork_env_prompt(**_):
        update()
        now["fresh"] = ""

    def __cowork_env_moved(**_):
        update()

    for event, handler in ((events.on_pre_prompt, __cowork_env_prompt), (events.on_chdir, __cowork_env_moved)):
        for other in [h for h in event if getattr(h, "__name__", "") == handler.__name__]:
            event.discard(other)
        event(handler)

__cowork_env_load()
del __cowork_env_load
