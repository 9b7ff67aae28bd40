"""Memory bandwidth: within the device, between it and the machine, between two devices. The form of a workload stands in
_workload_kernels.py.
"""
from _workload_parts import NotOffered, normal


class Copy(object):
    """Device to device. Read and written bytes count."""
    unit = "byte"

    def __init__(self, torch, place, plan, p):
        self.torch, self.place, self.count = torch, place, p["bytes"] // 4
        self.work = 8.0 * self.count
        self.traffic = self.work
        self.need_bytes = 2.2 * p["bytes"]

    def make(self):
        self.source = normal(self.torch, self.place, self.torch.float32, self.count)
        self.target = self.torch.empty_like(self.source)

    def run(self):
        self.target.copy_(self.source)

    def error(self, relative):
        self.run()
        return 0.0 if bool(self.torch.equal(self.source, self.target)) else relative(self.torch, self.target, self.source.cpu().double())


class Triad(object):
    """a = b + s c: two arrays read, one written (McCalpin, STREAM)."""
    unit = "byte"
    SCALAR = 3.0

    def __init__(self, torch, place, plan, p):
        self.torch, self.place, self.count = torch, place, p["bytes"] // 4
        self.work = 12.0 * self.count
        self.traffic = self.work
        self.need_bytes = 3.3 * p["bytes"]

    def make(self):
        self.b = normal(self.torch, self.place, self.torch.float32, self.count)
        self.c = normal(self.torch, self.place, self.torch.float32, self.count, seed=1)
        self.a = self.torch.empty_like(self.b)

    def run(self):
        self.torch.add(self.b, self.c, alpha=self.SCALAR, out=self.a)

    def error(self, relative):
        self.run()
        some = slice(0, 1 << 20)
        return relative(self.torch, self.a[some], self.b[some].cpu().double() + self.SCALAR * self.c[some].cpu().double())


class HostCopy(object):
    unit = "byte"
    traffic = None

    def __init__(self, torch, place, plan, p):
        if not place.gpu:
            raise NotOffered("between the machine and a GPU")
        self.torch, self.place, self.count = torch, place, p["bytes"] // 4
        self.down, self.pinned = p["direction"] == "d2h", p["memory"] == "pinned"
        self.work = 4.0 * self.count
        self.need_bytes = 0

    def make(self):
        there = normal(self.torch, self.place, self.torch.float32, self.count)
        here = there.cpu()
        # Pages that were never written are all the same one.
        here = here.pin_memory() if self.pinned else here.clone()
        self.source, self.target = (there, here) if self.down else (here, there)

    def run(self):
        self.target.copy_(self.source, non_blocking=self.pinned)

    def error(self, relative):
        self.target.zero_()
        self.run()
        self.place.wait()
        return relative(self.torch, self.target, self.source.cpu().double())


class PeerCopy(object):
    """From cuda:0 to cuda:1; by which way is for the driver to choose, and is said in `facts`."""
    unit = "byte"
    traffic = None

    def __init__(self, torch, place, plan, p):
        if not place.gpu or torch.cuda.device_count() < 2:
            raise NotOffered("it needs two GPUs")
        self.torch, self.place, self.count = torch, place, p["bytes"] // 4
        self.work = 4.0 * self.count
        self.need_bytes = 0

    def make(self):
        self.source = normal(self.torch, self.place, self.torch.float32, self.count)
        self.target = self.torch.empty(self.count, device="cuda:1")
        self.facts = {"peerAccess": bool(self.torch.cuda.can_device_access_peer(0, 1)), "peer": self.torch.cuda.get_device_name(1)}

    def run(self):
        # On the source's current stream, which the events are recorded on.
        self.target.copy_(self.source, non_blocking=True)

    def error(self, relative):
        self.target.zero_()
        self.torch.cuda.synchronize(1)
        self.run()
        self.place.wait()
        self.torch.cuda.synchronize(1)
        return relative(self.torch, self.target, self.source.cpu().double())


COPIES = {"copy": Copy, "triad": Triad, "host_copy": HostCopy, "peer_copy": PeerCopy}
