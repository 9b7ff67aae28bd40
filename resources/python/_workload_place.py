"""From a place of the specification to a torch that computes there: what must hold before the import, the import, CUDA's start."""
import os

from _channel import Failure, describe
from _workload_timing import Place


def prepare(spec, processor):
    """Before torch is imported, as the driver and torch read these when they start."""
    visible = "" if processor else spec["place"] + ("," + spec["peer"] if spec["peer"] else "")
    os.environ["CUDA_VISIBLE_DEVICES"] = visible
    if "NVIDIA_TF32_OVERRIDE" not in spec["variables"]:
        # It changes results without torch knowing of it.
        os.environ.pop("NVIDIA_TF32_OVERRIDE", None)
    # What is compiled goes into the private working folder, and by this process alone.
    for name, value in (("TORCHINDUCTOR_CACHE_DIR", os.path.join(os.getcwd(), "inductor")), ("TRITON_CACHE_DIR", os.path.join(os.getcwd(), "triton")), ("TORCHINDUCTOR_COMPILE_THREADS", "1")):
        if name not in spec["variables"]:
            os.environ[name] = value


def import_torch():
    try:
        import torch
    except BaseException as error:  # also what a library exits with
        raise Failure("import", describe(error))
    if not hasattr(torch, "tensor") or not hasattr(torch, "randn"):
        raise Failure("import", "what is imported as torch has no tensors: %s" % (getattr(torch, "__file__", None),))
    return torch


def open_place(torch, spec, processor):
    place = Place(torch, spec["place"], "cpu" if processor else "cuda:0")
    if processor:
        return place
    if getattr(torch.version, "cuda", None) is None:
        raise Failure("context", "torch %s is built %s" % (torch.__version__, "for ROCm" if getattr(torch.version, "hip", None) else "without CUDA"))
    try:
        torch.cuda.init()
        if torch.cuda.device_count() < 1:
            raise RuntimeError("CUDA started, but shows no GPU with the UUID %s" % spec["place"])
        torch.cuda.set_device(0)
        torch.cuda.synchronize()
        properties = torch.cuda.get_device_properties(0)
    except (RuntimeError, AssertionError) as error:
        raise Failure("context", describe(error))
    place.capability = (properties.major, properties.minor)
    place.l2_bytes = getattr(properties, "L2_cache_size", None)
    place.title = properties.name
    uuid = str(getattr(properties, "uuid", "")).lower()
    if uuid and spec["place"].lower().startswith("gpu-") and not uuid.startswith(spec["place"].lower()[4:]):
        raise Failure("context", "asked for %s, CUDA opened GPU-%s" % (spec["place"], uuid))
    return place
