"""Which PyTorch is imported here, and what does it say of itself? `--devices`: of the GPUs as well (starts CUDA)."""
import importlib.util
import os
import re
import sys
import traceback


def load(name):
    # Under -I the folder of a script is not searched for modules.
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".py")
    spec = importlib.util.spec_from_file_location("warpdeck" + name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


channel_module = load("_channel")


def read_before():
    """What torch/version.py says, read as text: it is there also when the import fails."""
    spec = importlib.util.find_spec("torch")
    folder = None if spec is None or not spec.origin else os.path.dirname(spec.origin)
    facts = {"kind": "files", "path": folder, "version": None, "cuda": None}
    if folder is None:
        return facts
    try:
        with open(os.path.join(folder, "version.py"), "rb") as file:
            text = file.read(65536).decode("utf-8", "replace")
    except OSError:
        return facts
    for name, key in (("__version__", "version"), ("cuda", "cuda")):
        found = re.search(r"^%s\s*(?::[^=\n]*)?=\s*['\"]([^'\"\n]{1,100})['\"]" % name, text, re.M)
        facts[key] = found.group(1) if found else None
    return facts


def ask(question):
    """An answer, or None where this version does not know the question."""
    try:
        return question()
    except Exception:
        return None


def read_devices(torch):
    devices = []
    for index in range(torch.cuda.device_count()):
        p = torch.cuda.get_device_properties(index)
        devices.append({
            "index": index,
            "name": p.name,
            "computeCapability": "%d.%d" % (p.major, p.minor),
            "memoryBytes": p.total_memory,
            "multiprocessors": p.multi_processor_count,
            "uuid": ask(lambda: "GPU-" + str(p.uuid)),
        })
    return devices


def main(channel):
    channel.progress(None, "import")
    before = read_before()
    channel.item(before)
    if before["path"] is None and importlib.util.find_spec("torch") is None:
        raise channel_module.Failure("import", "ModuleNotFoundError: No module named 'torch'")
    try:
        import torch
    except BaseException as error:
        raise channel_module.Failure("import", channel_module.describe(error), traceback.format_exc())
    # A namespace package (the folder is there, its __init__.py is not) imports without a word and can nothing.
    if not hasattr(torch, "tensor") or not hasattr(torch, "version"):
        raise channel_module.Failure("import", "ImportError: what is imported as torch has no tensors: %s" % (getattr(torch, "__file__", None),))
    flags = ask(lambda: torch._C._cuda_getArchFlags())
    facts = {
        "version": str(torch.__version__),
        "path": ask(lambda: os.path.dirname(torch.__file__)),
        "cuda": ask(lambda: torch.version.cuda),
        "hip": ask(lambda: torch.version.hip),
        "git": ask(lambda: torch.version.git_version),
        "archs": flags.split() if isinstance(flags, str) else None,
        "cudnn": ask(lambda: torch.backends.cudnn.version()),
        "python": sys.version.split()[0],
        "devices": None,
    }
    if "--devices" in sys.argv[1:]:
        channel.progress(None, "devices")
        facts["devices"] = read_devices(torch)
    return facts


channel_module.run("torch_facts.py", main)
