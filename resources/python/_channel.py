"""The way every script of this folder speaks: JSON lines on a private copy of descriptor 1 (contract/python.ts).

Descriptor 1 itself is pointed at standard error before anything of the environment is imported, so that what a
library prints is log and never an answer. Standard library only; syntax that old interpreters parse.
"""
import faulthandler
import json
import os
import signal
import sys
import threading
import traceback

# A message of an exception may hold a whole compiler's output; the log has it all.
TEXT_LIMIT = 8000


def clip(text, limit=TEXT_LIMIT):
    text = str(text)
    return text if len(text) <= limit else text[:limit] + " ..."


class Channel(object):
    def __init__(self, script):
        self._lock = threading.Lock()
        # Copies made by dup are not inherited by programs that are started.
        self._fd = os.dup(1)
        os.dup2(2, 1)
        # The group is terminated before it is killed: a hang then says where it hangs, also inside a C call.
        if hasattr(faulthandler, "register"):
            faulthandler.register(signal.SIGTERM, all_threads=True, chain=True)
        self._say({"t": "hello", "script": script, "python": sys.version.split()[0], "pid": os.getpid()})

    def _say(self, message):
        data = (json.dumps(message, allow_nan=False) + "\n").encode("ascii")
        with self._lock:
            while data:
                try:
                    data = data[os.write(self._fd, data):]
                except OSError:
                    # Nobody reads any more.
                    os._exit(1)

    def progress(self, fraction, doing):
        self._say({"t": "progress", "fraction": fraction, "doing": clip(doing, 200)})

    def item(self, data):
        self._say({"t": "item", "data": data})

    def problem(self, kind, text, trace=None):
        self._say({"t": "problem", "kind": kind, "text": clip(text), "trace": None if trace is None else clip(trace)})

    def result(self, data):
        self._say({"t": "result", "data": data})


class Failure(Exception):
    """An expected end: `kind` says which."""

    def __init__(self, kind, text, trace=None):
        Exception.__init__(self, text)
        self.kind = kind
        self.trace = trace


def describe(error):
    """`ImportError: libcudnn.so.9: cannot open shared object file`."""
    text = str(error).strip()
    return type(error).__name__ + (": " + text if text else "")


def run(script, main):
    """Calls main(channel); what it returns is the result. Ends the process without the teardown of libraries, which may crash or hang."""
    channel = Channel(script)
    try:
        data = main(channel)
        channel.result(data)
        code = 0
    except Failure as failure:
        channel.problem(failure.kind, str(failure), failure.trace)
        code = 1
    except BaseException as error:  # SystemExit of a library, too
        channel.problem("exception", describe(error), traceback.format_exc())
        code = 1
    try:
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        pass
    os._exit(code)
