"""Brings Warpdeck's switches into a program that it starts, then steps aside for the sitecustomize that would have run.

Only the first sitecustomize on the path runs: this one takes its folder off the path and runs the next one, as if it
had not been there.
"""
import sys


def _start():
    import importlib.util
    import os
    folder = os.path.dirname(os.path.abspath(__file__))
    path = os.path.join(os.path.dirname(folder), "warpdeck_optimize.py")
    spec = importlib.util.spec_from_file_location("_warpdeck_launch", path)
    module = importlib.util.module_from_spec(spec)
    # Nothing is written beside the program's files, nor beside ours.
    writing, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = writing
    module.start_launched()


def _step_aside():
    import importlib.machinery
    import importlib.util
    import os
    own = os.path.normcase(os.path.dirname(os.path.abspath(__file__)))
    sys.path[:] = [one for one in sys.path if os.path.normcase(os.path.abspath(one)) != own]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
    if spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


try:
    _start()
except Exception:
    pass
# What the other one raises is said by Python as always.
_step_aside()
