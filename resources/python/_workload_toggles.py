"""Switches inside the process: one function each, in the table at the end. They are called before the workload is made.

Each takes (torch, place, plan, value). It sets something of torch itself, or notes in the plan what the workload does.
`Unknown`: this torch, GPU or machine does not have it; then nothing is measured.
"""
import contextlib
import importlib.util
import os
import shutil
import warnings


class Unknown(Exception):
    pass


class Plan(object):
    """What the workload is made with."""

    def __init__(self):
        self.autocast = None
        self.channels_last = False
        self.compile = None
        self.graphs = False
        self.optimizer = {}
        self.fp8 = False
        self.cache = None
        self.beams = None
        self.sdpa = None
        # Entered for the life of the process.
        self.around = contextlib.ExitStack()

    def casting(self, torch, place):
        if self.autocast is None:
            return contextlib.nullcontext()
        # What is cast inside a graph must not be kept for another (CUDA graphs, pytorch.org/docs/stable/notes/cuda.html).
        return torch.autocast("cuda" if place.gpu else "cpu", dtype=self.autocast, cache_enabled=not self.graphs)


def need_gpu(place, what, least=None):
    if not place.gpu:
        raise Unknown("%s exists on GPUs only" % what)
    if least is not None and place.capability is not None and place.capability < least:
        raise Unknown("%s needs compute capability %d.%d, this GPU has %d.%d" % ((what,) + least + tuple(place.capability)))


def on(value):
    if value not in ("on", "off"):
        raise Unknown("there is no value %s, only on and off" % value)
    return value == "on"


def one_of(value, *words):
    if value not in words:
        raise Unknown("there is no value %s, only %s" % (value, ", ".join(words)))
    return value


def number(value, least, most, whole=True):
    try:
        got = int(value) if whole else float(value)
    except ValueError:
        raise Unknown("%s is no number" % value)
    if not least <= got <= most:
        raise Unknown("%s is not from %s to %s" % (value, least, most))
    return got


def tf32(torch, place, plan, value):
    one_of(value, "high", "medium", "highest")
    if value != "highest":
        need_gpu(place, "TF32", (8, 0))
    # The one name that holds over all versions; mixing the older and the newer ones raises (torch 2.9).
    torch.set_float32_matmul_precision(value)


def cudnn_tf32(torch, place, plan, value):
    need_gpu(place, "TF32 for convolutions", (8, 0))
    torch.backends.cudnn.allow_tf32 = on(value)


def cudnn_benchmark(torch, place, plan, value):
    need_gpu(place, "cuDNN")
    if not torch.backends.cudnn.is_available():
        raise Unknown("this torch has no cuDNN")
    torch.backends.cudnn.benchmark = on(value)


SDPA = {"flash": ("FLASH_ATTENTION", "enable_flash"), "efficient": ("EFFICIENT_ATTENTION", "enable_mem_efficient"), "cudnn": ("CUDNN_ATTENTION", None), "math": ("MATH", "enable_math")}


def sdpa_context(torch, value):
    """The context that leaves one backend only."""
    new, old = SDPA[value]
    if importlib.util.find_spec("torch.nn.attention") is not None:
        import torch.nn.attention as attention
        if hasattr(attention, "sdpa_kernel"):
            backend = getattr(attention.SDPBackend, new, None)
            if backend is None:
                raise Unknown("this torch has no such attention backend")
            return attention.sdpa_kernel(backend)
    if old is None or not hasattr(torch.backends.cuda, "sdp_kernel"):
        raise Unknown("this torch has no such attention backend")
    return torch.backends.cuda.sdp_kernel(**{name: name == old for name in ("enable_flash", "enable_math", "enable_mem_efficient")})


def sdpa(torch, place, plan, value):
    one_of(value, "auto", "flash", "efficient", "cudnn", "math")
    if not hasattr(torch.nn.functional, "scaled_dot_product_attention"):
        raise Unknown("this torch has no scaled_dot_product_attention")
    plan.sdpa = value
    if value != "auto":
        if value in ("efficient", "cudnn"):
            need_gpu(place, "this attention backend")
        plan.around.enter_context(sdpa_context(torch, value))


def autocast(torch, place, plan, value):
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}[one_of(value, "bf16", "fp16")]
    if place.gpu and value == "bf16" and place.capability is not None and place.capability < (8, 0):
        need_gpu(place, "bf16", (8, 0))
    if not place.gpu:
        # Where the processor's autocast does not take a type, it says so in a warning and does nothing.
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            torch.autocast("cpu", dtype=dtype)
        if any("isabling autocast" in str(one.message) for one in said):
            raise Unknown("autocast of this torch does not do %s on a processor" % value)
    plan.autocast = dtype


def channels_last(torch, place, plan, value):
    plan.channels_last = on(value)


def compile_mode(torch, place, plan, value):
    one_of(value, "default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")
    if not hasattr(torch, "compile"):
        raise Unknown("this torch has no torch.compile")
    if place.gpu:
        need_gpu(place, "torch.compile", (7, 0))
        if importlib.util.find_spec("triton") is None:
            raise Unknown("triton, which torch.compile needs, is not installed")
    if os.name == "posix" and not any(shutil.which(name) for name in (os.environ.get("CXX") or "c++", "c++", "g++", "gcc", "clang")):
        raise Unknown("there is no C compiler on this machine, which torch.compile needs")
    plan.compile = value


def cuda_graphs(torch, place, plan, value):
    need_gpu(place, "CUDA graphs")
    if not hasattr(torch.cuda, "CUDAGraph"):
        raise Unknown("this torch has no CUDA graphs")
    plan.graphs = on(value)


def fused_optimizer(torch, place, plan, value):
    one_of(value, "on", "foreach", "loop")
    plan.optimizer = {"on": {"fused": True}, "foreach": {"foreach": True}, "loop": {"foreach": False}}[value]


def fp8(torch, place, plan, value):
    if not on(value):
        return
    if not hasattr(torch, "float8_e4m3fn") or not hasattr(torch, "_scaled_mm"):
        raise Unknown("this torch has no fp8 product")
    need_gpu(place, "fp8", (8, 9))
    plan.fp8 = True


def memory_fraction(torch, place, plan, value):
    need_gpu(place, "a share of the GPU's memory")
    torch.cuda.set_per_process_memory_fraction(number(value, 0.05, 1.0, whole=False), 0)


def kv_cache(torch, place, plan, value):
    plan.cache = on(value)


def beams(torch, place, plan, value):
    plan.beams = number(value, 1, 16)


def _threads(value):
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    if value in ("half", "all"):
        return max(1, cores // 2) if value == "half" else cores
    return number(value, 1, 1024)


def threads(torch, place, plan, value):
    torch.set_num_threads(_threads(value))


def interop_threads(torch, place, plan, value):
    torch.set_num_interop_threads(_threads(value))


def onednn(torch, place, plan, value):
    mkldnn = getattr(torch.backends, "mkldnn", None)
    if mkldnn is None or not mkldnn.is_available():
        raise Unknown("this torch has no oneDNN")
    if place.gpu:
        raise Unknown("oneDNN works on the processor only")
    plan.around.enter_context(mkldnn.flags(enabled=on(value)))


MODELS = ("training_step", "generate")
KERNELS = ("matmul", "attention", "convolution", "training_step", "generate")
ATTENTION = ("attention", "cpu_attention", "training_step", "generate")
PROCESSOR = ("matmul", "attention", "convolution", "cpu_matmul", "cpu_attention", "training_step", "generate")
# Name: (function, the workloads that it can show on, or None: all). Applied in this order.
TOGGLES = {
    "threads": (threads, None), "interop_threads": (interop_threads, None), "onednn": (onednn, PROCESSOR),
    "memory_fraction": (memory_fraction, None), "tf32": (tf32, None), "cudnn_tf32": (cudnn_tf32, None), "cudnn_benchmark": (cudnn_benchmark, None),
    "sdpa": (sdpa, ATTENTION), "autocast": (autocast, PROCESSOR), "channels_last": (channels_last, ("convolution",)), "compile": (compile_mode, PROCESSOR),
    "cuda_graphs": (cuda_graphs, KERNELS), "fused_optimizer": (fused_optimizer, ("training_step",)), "fp8": (fp8, ("matmul",) + MODELS),
    "kv_cache": (kv_cache, ("generate",)), "beams": (beams, ("generate",)),
}
# They show what they cannot do only when the work runs.
LATE = ("compile", "cuda_graphs", "fused_optimizer", "fp8", "sdpa", "autocast", "channels_last", "memory_fraction")


class Misplaced(Exception):
    """The toggle cannot show on this workload."""

    def __init__(self, name, workloads):
        Exception.__init__(self, name)
        self.name, self.workloads = name, workloads


def apply(torch, place, workload, wished):
    """`wished`: [name, value] pairs. Answers the plan. @raises Unknown with `.toggle`, Misplaced"""
    plan = Plan()
    given = dict(wished)
    for name, value in wished:
        if name not in TOGGLES:
            raise named(Unknown("it is no switch inside a process, or not one of this Warpdeck"), name, value)
        workloads = TOGGLES[name][1]
        if workloads is not None and workload not in workloads:
            raise Misplaced(name, workloads)
    for name, (function, _) in TOGGLES.items():
        if name not in given:
            continue
        try:
            function(torch, place, plan, given[name])
        except Unknown as reason:
            raise named(reason, name, given[name])
        except (AttributeError, TypeError, NotImplementedError, ValueError, RuntimeError) as error:
            raise named(Unknown("this torch (%s) refuses it: %s" % (getattr(torch, "__version__", "?"), error)), name, given[name])
    return plan


def named(error, name, value):
    error.toggle, error.value = name, value
    return error
