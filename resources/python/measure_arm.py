"""Measures one workload again and again, as it is told on standard input.

`--spec JSON`: workload, parameters (complete and checked: core/benchmarks/arms/torch-workloads.ts), unit, place (`cpu` or
a GPU's UUID), peer, alternating (another process measures in between), toggles ([name, value] pairs), variables (names that were set on purpose), library (`torch` or
`numpy`), packages (a folder in which NumPy is looked for first, or null). First item: `ready` with
facts. Then one JSON object a line: {"id": 1, "op": "warm_up", "seconds": 3}, "sample", "error", "end"; each is answered
by an item with its id. What fails ends the process with a problem whose kind says how.
"""
import importlib.util
import json
import os
import sys


def load(name):
    # Under -I the folder of a script is not searched for modules.
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".py")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    # The next one may import it.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


channel_module = load("_channel")
timing = load("_workload_timing")
energy = load("_workload_energy")
places = load("_workload_place")
toggles = load("_workload_toggles")
parts = load("_workload_parts")
copies = load("_workload_copies")
kernels = load("_workload_kernels")
models = load("_workload_models")
arrays = load("_workload_numpy")
Failure = channel_module.Failure

WORKLOADS = dict(kernels.KERNELS)
WORKLOADS.update(copies.COPIES)
WORKLOADS.update(models.MODELS)
# Memory of the processor that others may need meanwhile.
SPARE = 1.15


def read_spec():
    arguments = sys.argv[1:]
    if len(arguments) != 2 or arguments[0] != "--spec":
        raise Failure("arguments", "--spec is missing")
    return json.loads(arguments[1])


def private_input():
    """What the libraries start must not read our commands."""
    fd = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return os.fdopen(fd, "r", encoding="utf-8")


def is_memory(torch, error):
    named = () if torch is None else (getattr(torch, "OutOfMemoryError", None), getattr(torch.cuda, "OutOfMemoryError", None))
    kinds = tuple(kind for kind in named + (MemoryError,) if isinstance(kind, type))
    return isinstance(error, kinds) or any(words in str(error) for words in ("out of memory", "can't allocate memory", "not enough memory", "CUBLAS_STATUS_ALLOC_FAILED"))


def failure_of(torch, error, spec):
    """Whose fault it is: a toggle that showed only now, a torch or GPU that has it not, too little memory, or the case."""
    if isinstance(error, Failure):
        return error
    text = channel_module.describe(error)
    if is_memory(torch, error):
        return Failure("memory", text)
    if isinstance(error, parts.NotOffered):
        return Failure("not_offered", str(error))
    late = [name for name, _ in spec["toggles"] if name in toggles.LATE]
    if late:
        return Failure("toggle", "%s: it cannot run with it: %s" % ("+".join(late), text))
    lacks = ("no available kernel", "not implemented for", "not compiled", "only supported", "not supported", "could not run '", "no kernel image")
    return Failure("not_offered" if any(words in str(error).lower() for words in lacks) else "exception", text)


def require_memory(place, need):
    if place.gpu:
        return
    free = timing.available_bytes()
    if free is not None and need * SPARE > free:
        raise Failure("memory", "it takes about %d MiB, %d MiB are free" % (need * SPARE / 1048576, free / 1048576))


def apply_toggles(torch, place, spec):
    try:
        return toggles.apply(torch, place, spec["workload"], [tuple(pair) for pair in spec["toggles"]])
    except toggles.Misplaced as error:
        raise Failure("toggle_workload", "%s: %s" % (error.name, ", ".join(error.workloads)))
    except toggles.Unknown as error:
        raise Failure("toggle", "%s=%s: %s" % (error.toggle, error.value, error))


def make(torch, place, plan, spec):
    backend = spec["parameters"].get("backend", "auto")
    if plan.sdpa is None and backend != "auto":
        try:
            if backend in ("efficient", "cudnn"):
                toggles.need_gpu(place, "this attention backend")
            plan.around.enter_context(toggles.sdpa_context(torch, backend))
        except toggles.Unknown as error:
            raise parts.NotOffered(str(error))
    workload = WORKLOADS[spec["workload"]](torch, place, plan, spec["parameters"])
    require_memory(place, workload.need_bytes)
    workload.make()
    return workload


def capture(torch, run):
    """One repetition as a CUDA graph, after repetitions on a side stream (pytorch.org/docs/stable/notes/cuda.html)."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph.replay


def version_of(module):
    try:
        return module.version()
    except Exception:
        return None


def facts_of(torch, place, workload, timer, plan, spec):
    cudnn = torch.backends.cudnn
    facts = {
        "torch": str(torch.__version__), "cuda": getattr(torch.version, "cuda", None), "cudnn": version_of(cudnn) if place.gpu else None, "python": sys.version.split()[0], "pid": os.getpid(),
        "device": place.title, "capability": "%d.%d" % place.capability if place.capability else None,
        "matmulPrecision": torch.get_float32_matmul_precision(), "cudnnTf32": bool(cudnn.allow_tf32) if place.gpu else None, "cudnnBenchmark": bool(cudnn.benchmark) if place.gpu else None,
        "tf32Override": os.environ.get("NVIDIA_TF32_OVERRIDE"), "threads": torch.get_num_threads(), "interopThreads": torch.get_num_interop_threads(),
        "unit": spec["unit"], "workUnit": workload.unit, "workPerRepetition": workload.work, "flushBytes": timer.flush_bytes, "compile": plan.compile, "cudaGraphs": plan.graphs, "unknown": None,
    }
    facts.update(getattr(workload, "facts", {}))
    return facts


def value_of(unit, work, seconds):
    scale = {"TFLOPS": 1e-12, "GB/s": 1e-9, "tok/s": 1.0, "image/s": 1.0}
    if unit in scale:
        return work * scale[unit] / seconds
    return {"us": seconds * 1e6, "ms": seconds * 1e3, "step/s": 1.0 / seconds, "call/s": 1.0 / seconds}[unit]


class Session(object):
    def __init__(self, torch, place, workload, timer, spec, channel):
        self.torch, self.place, self.workload, self.timer, self.spec, self.channel = torch, place, workload, timer, spec, channel
        self.peak = None

    def note_peak(self):
        if self.place.gpu:
            self.peak = max(self.peak or 0, int(self.torch.cuda.max_memory_reserved(0)))

    def warm_up(self, command):
        took, groups, agreed = self.timer.warm_up(float(command["seconds"]), lambda: self.channel.progress(None, "warm_up"))
        self.note_peak()
        return {"seconds": took, "groups": groups, "agreed": agreed}

    def sample(self, command):
        seconds, repetitions, started, ended, joules = self.timer.sample()
        self.note_peak()
        value = value_of(self.spec["unit"], self.workload.work, seconds)
        return {"value": value, "startedAtMs": started, "endedAtMs": ended, "memoryBytes": self.peak, "repetitions": repetitions, "ran": self.timer.ran, "joules": joules}

    def error(self, command):
        try:
            return {"error": self.workload.error(parts.relative), "trouble": None}
        except parts.NotANumber as reason:
            return {"error": None, "trouble": str(reason)}
        except Exception as failure:
            # What was measured stands; FP64 may take more memory than there is.
            return {"error": None, "trouble": channel_module.clip(channel_module.describe(failure), 1000)}
        finally:
            if self.place.gpu:
                # What the comparison took is no part of the measurement.
                self.torch.cuda.synchronize()
                self.torch.cuda.empty_cache()
                self.torch.cuda.reset_peak_memory_stats(0)


def start_numpy(spec, channel):
    """On the processor, where there is no torch."""
    channel.progress(None, "import")
    try:
        numpy = arrays.import_numpy(spec["packages"])
    except BaseException as error:  # also what a library exits with
        raise Failure("import", channel_module.describe(error))
    if spec["toggles"]:
        raise Failure("toggle", "%s=%s: it is a switch of PyTorch, and NumPy measures here" % tuple(spec["toggles"][0]))
    place = timing.Place(None, spec["place"], "cpu")
    channel.progress(None, "make")
    try:
        if spec["workload"] not in arrays.WORKLOADS:
            raise parts.NotOffered("NumPy has no such workload; it needs PyTorch")
        workload = arrays.WORKLOADS[spec["workload"]](numpy, spec["parameters"])
        require_memory(place, workload.need_bytes)
        workload.make()
        workload.run()
        timer = timing.Timer(place, workload.run)
    except Exception as error:
        raise failure_of(None, error, spec)
    facts = arrays.facts_of(numpy)
    facts.update({"python": sys.version.split()[0], "pid": os.getpid(), "device": place.title, "unit": spec["unit"], "workUnit": workload.unit, "workPerRepetition": workload.work, "flushBytes": 0, "unknown": None})
    return None, place, workload, timer, facts


def start_torch(spec, channel):
    processor = spec["place"] == "cpu" or spec["workload"].startswith("cpu_")
    places.prepare(spec, processor)
    channel.progress(None, "import")
    torch = places.import_torch()
    channel.progress(None, "context")
    place = places.open_place(torch, spec, processor)
    plan = apply_toggles(torch, place, spec)
    channel.progress(None, "compile" if plan.compile or plan.graphs else "make")
    try:
        workload = make(torch, place, plan, spec)
        workload.run()
        run = capture(torch, workload.run) if plan.graphs else workload.run
        place.wait()
        latency = spec["workload"] == "host_copy" and spec["unit"] == "us"
        timer = timing.Timer(place, run, workload.traffic, latency, spec["alternating"], energy.Meter(spec["place"]) if place.gpu and spec["alternating"] else None)
    except Exception as error:
        raise failure_of(torch, error, spec)
    return torch, place, workload, timer, facts_of(torch, place, workload, timer, plan, spec)


def main(channel):
    commands = private_input()
    spec = read_spec()
    torch, place, workload, timer, facts = (start_numpy if spec["library"] == "numpy" else start_torch)(spec, channel)
    channel.item({"ready": facts})
    channel.progress(None, "waiting")
    session = Session(torch, place, workload, timer, spec, channel)
    operations = {"warm_up": session.warm_up, "sample": session.sample, "error": session.error}
    for line in commands:
        command = json.loads(line)
        if command["op"] == "end":
            break
        channel.progress(None, command["op"])
        try:
            answer = operations[command["op"]](command)
        except Exception as error:
            raise failure_of(torch, error, spec)
        channel.item({"id": command["id"], "answer": answer})
        channel.progress(None, "waiting")
    return None


channel_module.run("measure_arm.py", main)
