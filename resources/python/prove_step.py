"""Does this PyTorch do the work on this GPU, and is the result right?

`--gpu GPU-uuid` (or `cpu`), `--steps import,context,matmul_fp16,...`: one child runs the steps in their order and says
before each which one is in flight, so that a crash or a hang names it. When a failure has spoilt the CUDA context,
it stops there: the answer's `remaining` is for a fresh child.
"""
import importlib.util
import os
import sys
import time


def load(name):
    # Under -I the folder of a script is not searched for modules.
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".py")
    spec = importlib.util.spec_from_file_location("warpdeck" + name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


channel_module = load("_channel")
numbers = load("_proof_numbers")
steps_module = load("_proof_steps")

ALLOCATE_BYTES = 64 * 1024 * 1024


class Device(object):
    def __init__(self, gpu):
        self.gpu = gpu
        self.name = "cpu" if gpu == "cpu" else "cuda:0"
        self.capability = None


def option(name):
    arguments = sys.argv[1:]
    for i, argument in enumerate(arguments[:-1]):
        if argument == name:
            return arguments[i + 1]
    raise channel_module.Failure("arguments", "%s is missing" % name)


def prepare(gpu):
    """Before torch is imported, as the driver and torch read these when they start."""
    if gpu != "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    # It changes results without torch knowing of it.
    os.environ.pop("NVIDIA_TF32_OVERRIDE", None)
    # What is compiled goes into the private working folder, and by this process alone.
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = os.path.join(os.getcwd(), "inductor")
    os.environ["TRITON_CACHE_DIR"] = os.path.join(os.getcwd(), "triton")
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"


def import_torch():
    import torch
    if not hasattr(torch, "tensor") or not hasattr(torch, "version"):
        raise ImportError("what is imported as torch has no tensors: %s" % (getattr(torch, "__file__", None),))
    return torch


def open_context(torch, device):
    if device.name == "cpu":
        raise steps_module.NotOffered("proved on the processor only")
    if getattr(torch.version, "cuda", None) is None:
        kind = "for ROCm" if getattr(torch.version, "hip", None) else "without CUDA"
        raise RuntimeError("torch %s is built %s" % (torch.__version__, kind))
    torch.cuda.init()
    if torch.cuda.device_count() < 1:
        raise RuntimeError("CUDA started, but shows no GPU with the UUID %s" % device.gpu)
    torch.cuda.set_device(0)
    torch.cuda.synchronize()
    properties = torch.cuda.get_device_properties(0)
    device.capability = (properties.major, properties.minor)
    uuid = str(getattr(properties, "uuid", "")).lower()
    if uuid and device.gpu.lower().startswith("gpu-") and not uuid.startswith(device.gpu.lower()[4:]):
        raise RuntimeError("asked for %s, CUDA opened GPU-%s" % (device.gpu, uuid))
    return None, None, "%s, compute capability %d.%d" % (properties.name, properties.major, properties.minor)


def allocate(torch, device):
    # Copies only: no kernel is needed to come here.
    there = torch.arange(ALLOCATE_BYTES // 8, dtype=torch.int64)
    back = there.to(device.name).cpu()
    wrong = int((back != there).sum())
    return float(wrong), 0.0, "%d MiB there and back" % (ALLOCATE_BYTES >> 20)


def spoilt(torch, device):
    """A failed kernel may have ended the CUDA context: everything after it would fail with it."""
    if torch is None or device.name == "cpu":
        return False
    try:
        torch.cuda.synchronize()
        return False
    except Exception:
        return True


def run_step(work):
    started = time.perf_counter()
    error = tolerance = None
    try:
        error, tolerance, text = work()
        state = "passed"
        if tolerance is not None and (error is None or error > tolerance):
            state, text = "wrong", text or ("the answer holds what is no number" if error is None else None)
    except steps_module.NotOffered as reason:
        state, text = "not_offered", str(reason)
    except BaseException as failure:  # also what a library exits with
        state, text = "failed", channel_module.describe(failure)
    took = round((time.perf_counter() - started) * 1000.0, 1)
    return {"kind": "step", "state": state, "error": error, "tolerance": tolerance, "tookMs": took, "text": None if text is None else channel_module.clip(text, 1500)}


def main(channel):
    gpu = option("--gpu")
    wanted = [name for name in option("--steps").split(",") if name]
    device = Device(gpu)
    prepare(gpu)
    torch = None
    held = {}

    def say(name, outcome):
        if name in wanted:
            channel.item(dict(outcome, name=name))
            return
        # Asked for by an earlier child: here it is only the way to the next step.
        if outcome["state"] not in ("passed", "not_offered"):
            raise channel_module.Failure(name, "%s: %s" % (name, outcome["text"]))

    def import_step():
        held["torch"] = import_torch()
        return None, None, str(held["torch"].__version__)

    channel.progress(0.0, "import")
    outcome = run_step(import_step)
    say("import", outcome)
    if outcome["state"] != "passed":
        return {"remaining": []}
    torch = held["torch"]

    channel.progress(None, "context")
    outcome = run_step(lambda: open_context(torch, device))
    say("context", outcome)
    if outcome["state"] not in ("passed", "not_offered"):
        return {"remaining": []}

    todo = [name for name in wanted if name not in ("import", "context")]
    for i, name in enumerate(todo):
        channel.progress(float(i) / len(todo), name)
        if name == "allocate":
            outcome = run_step(lambda: allocate(torch, device))
        elif name in steps_module.KERNELS:
            outcome = run_step(lambda: steps_module.KERNELS[name](torch, device, numbers))
        else:
            raise channel_module.Failure("arguments", "there is no step %s" % name)
        say(name, outcome)
        if outcome["state"] == "failed" and spoilt(torch, device):
            return {"remaining": todo[i + 1:]}
    return {"remaining": []}


channel_module.run("prove_step.py", main)
