"""Sets switches of PyTorch right after `import torch`. Written by Warpdeck; WARPDECK_OPTIMIZE=0 switches it off.

It prints nothing and lets no error out. What the program sets itself comes later and wins; what the user's environment
sets, or what is not at its default any more, is left alone. A program that does not import torch only pays for one
comparison of names with each import.
"""
import os
import sys

# Filled in when it is written into an environment: what to do, and the torch (major.minor) that it was chosen for.
CHOSEN = {"toggles": [], "variables": {}, "torch": None}

KILL_SWITCH = "WARPDECK_OPTIMIZE"
REPORT = "WARPDECK_OPTIMIZE_REPORT"
WISHES = "WARPDECK_OPTIMIZE_TOGGLES"
REPORT_LIMIT = 262144
VERSION_LIMIT = 65536
# Two names for one thing: who set either has chosen.
ALLOCATOR = ("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_HIP_ALLOC_CONF")


def switched_off():
    return os.environ.get(KILL_SWITCH) == "0"


def report(state, toggle=None, value=None, why=None):
    """A line for the launcher, where one asked for it. The file is the launcher's: it is never made here."""
    path = os.environ.get(REPORT)
    if not path:
        return
    try:
        import json
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        try:
            if os.fstat(handle).st_size < REPORT_LIMIT:
                line = json.dumps({"pid": os.getpid(), "state": state, "toggle": toggle, "value": value, "why": None if why is None else str(why)[:300]})
                os.write(handle, (line + "\n").encode("utf-8"))
        finally:
            os.close(handle)
    except Exception:
        pass


class Left(Exception):
    """Somebody else has chosen."""


class Already(Exception):
    """It is so."""


def from_default(now, default, wanted):
    if now == wanted:
        raise Already()
    if now != default:
        raise Left("it is set to %s already" % (now,))


def tf32(torch, value):
    for name in ("NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE"):
        if name in os.environ:
            raise Left("%s is set" % name)
    from_default(torch.get_float32_matmul_precision(), "highest", value)
    torch.set_float32_matmul_precision(value)


def cudnn_tf32(torch, value):
    from_default(torch.backends.cudnn.allow_tf32, True, value == "on")
    torch.backends.cudnn.allow_tf32 = value == "on"


def cudnn_benchmark(torch, value):
    from_default(torch.backends.cudnn.benchmark, False, value == "on")
    torch.backends.cudnn.benchmark = value == "on"


def sdpa(torch, value):
    """The other fused kernels are taken away. The plain one stays: where the wished one cannot, the program still runs."""
    backends = torch.backends.cuda
    kernels = {"flash": ("flash_sdp_enabled", "enable_flash_sdp"), "efficient": ("mem_efficient_sdp_enabled", "enable_mem_efficient_sdp"), "cudnn": ("cudnn_sdp_enabled", "enable_cudnn_sdp")}
    if value != "math" and not hasattr(backends, kernels[value][1]):
        raise RuntimeError("this torch has no such attention kernel")
    there = {name: pair for name, pair in kernels.items() if hasattr(backends, pair[1])}
    # cuDNN's own was off by default in 2.4 and is on since.
    if not all(getattr(backends, kernels[name][0])() for name in ("flash", "efficient")) or not backends.math_sdp_enabled():
        raise Left("kernels are chosen already")
    for name, pair in there.items():
        getattr(backends, pair[1])(name == value)


def onednn(torch, value):
    from_default(bool(torch.backends.mkldnn.enabled), True, value == "on")
    torch.backends.mkldnn.set_flags(value == "on")


def memory_fraction(torch, value):
    fraction = float(value)

    def later():
        try:
            torch.cuda.set_per_process_memory_fraction(fraction)
        except Exception as error:
            report("failed", "memory_fraction", value, error)

    # Done now it would start CUDA, and a program that forks afterwards could not use it.
    torch.cuda._lazy_call(later)


TOGGLES = {"tf32": tf32, "cudnn_tf32": cudnn_tf32, "cudnn_benchmark": cudnn_benchmark, "sdpa": sdpa, "onednn": onednn, "memory_fraction": memory_fraction}


def apply(torch, toggles):
    import warnings
    for name, value in toggles:
        try:
            function = TOGGLES.get(name)
            if function is None:
                raise RuntimeError("this hook does not know it")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                function(torch, value)
            report("applied", name, value)
        except Already:
            report("already", name, value)
        except Left as why:
            report("left", name, value, why)
        except Exception as error:
            report("failed", name, value, "%s: %s" % (type(error).__name__, error))


def torch_version(spec):
    """major.minor out of torch/version.py, as text: before anything of torch runs."""
    import re
    try:
        with open(os.path.join(os.path.dirname(spec.origin), "version.py"), "rb") as file:
            found = re.search(br"^__version__\s*(?::[^=\n]*)?=\s*['\"](\d+\.\d+)", file.read(VERSION_LIMIT), re.M)
    except Exception:
        return None
    return None if found is None else found.group(1).decode("ascii")


def set_variables(chosen, spec):
    for name, value in chosen["variables"].items():
        if name in os.environ or (name in ALLOCATOR and any(one in os.environ for one in ALLOCATOR)):
            report("left", name, value, "the environment sets it")
        # A key that this torch does not know would end the program when CUDA starts.
        elif name in ALLOCATOR and torch_version(spec) != chosen["torch"]:
            report("left", name, value, "torch has changed since this was applied")
        else:
            os.environ[name] = value
            report("applied", name, value)


class TorchFinder(object):
    """Waits for `import torch`, and goes when that has happened."""

    def __init__(self, chosen):
        self.chosen = chosen
        self.looking = False

    def find_spec(self, name, path=None, target=None):
        if name != "torch" or self.looking:
            return None
        self.looking = True
        try:
            return self.prepare(name, path, target)
        except Exception:
            return None
        finally:
            self.looking = False

    def prepare(self, name, path, target):
        spec = None
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            spec = None if finder is self or find is None else find(name, path, target)
            if spec is not None:
                break
        loader = getattr(spec, "loader", None)
        if loader is None or not hasattr(loader, "exec_module"):
            return spec
        execute = loader.exec_module

        def exec_module(module):
            # The loader is as it was before torch runs: nobody finds anything of ours there.
            try:
                del loader.exec_module
            except Exception:
                pass
            try:
                set_variables(self.chosen, spec)
            except Exception:
                pass
            execute(module)
            self.leave()
            try:
                apply(module, self.chosen["toggles"])
            except Exception:
                pass

        try:
            loader.exec_module = exec_module
        except Exception:
            report("failed", None, None, "torch is loaded in a way that cannot be followed")
        return spec

    def leave(self):
        try:
            sys.meta_path.remove(self)
        except ValueError:
            pass


def install(chosen):
    torch = sys.modules.get("torch")
    if torch is not None:
        apply(torch, chosen["toggles"])
    else:
        sys.meta_path.insert(0, TorchFinder(chosen))


def start():
    """What the file in the environment calls when Python starts."""
    try:
        if not switched_off():
            install(CHOSEN)
    except Exception:
        pass


def start_launched():
    """The same for a program that Warpdeck starts, with the wishes out of a variable."""
    try:
        if switched_off():
            report("off")
            return
        import json
        toggles = json.loads(os.environ.get(WISHES) or "[]")
        report("started")
        install({"toggles": [(str(name), str(value)) for name, value in toggles], "variables": {}, "torch": None})
    except Exception as error:
        report("failed", None, None, error)
