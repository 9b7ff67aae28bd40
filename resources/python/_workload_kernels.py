"""Single operations: matrix product, copies, attention, a convolution block.

A workload has: `run()` (one repetition), `work` (units of one repetition), `unit` (what `work` counts: FLOP, byte,
image), `traffic` (bytes that it moves, where caches matter), `need_bytes` (about, before anything is made), `error(relative)`: the largest
difference to FP64, by the function `relative` below.
Data are normal random numbers of a fixed seed: constants draw less power and clock higher.
"""
SEED = 20
# Work in FP64 that `error` may do on the processor, FLOP; at most so many rows of a larger answer are checked.
TRUTH_FLOP = 3e10


class NotOffered(Exception):
    """This torch, GPU or machine does not have it."""


class NotANumber(Exception):
    pass


def size_of(torch, dtype):
    return torch.empty(0, dtype=dtype).element_size()


def dtype_of(torch, name):
    return {"fp32": torch.float32, "tf32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[name]


def need(place, least, what):
    if place.capability is not None and tuple(place.capability) < least:
        raise NotOffered("%s needs compute capability %d.%d, this GPU has %d.%d" % ((what,) + least + tuple(place.capability)))


def normal(torch, place, dtype, *shape, **more):
    generator = torch.Generator(device=place.name).manual_seed(SEED + more.get("seed", 0))
    return torch.randn(*shape, generator=generator, device=place.name).to(dtype)


def relative(torch, got, exact):
    """Largest difference over the largest true value, both on the processor."""
    value = float((got.detach().cpu().double() - exact).abs().max() / exact.abs().max().clamp_min(1e-300))
    if value != value or value in (float("inf"), float("-inf")):
        raise NotANumber("the answer holds what is no number")
    return value


class Matmul(object):
    unit = "FLOP"
    traffic = None

    def __init__(self, torch, place, plan, p):
        self.torch, self.place, self.plan, self.n, self.kind = torch, place, plan, p["n"], p["dtype"]
        if plan.fp8:
            self.kind = "fp8"
        self.work = 2.0 * self.n ** 3
        self.need_bytes = 16 * self.n ** 2

    def make(self):
        torch, place, n, kind = self.torch, self.place, self.n, self.kind
        if kind == "tf32":
            if not place.gpu:
                raise NotOffered("TF32 exists on GPUs only")
            need(place, (8, 0), "TF32")
            torch.set_float32_matmul_precision("high")
        if kind == "bf16" and place.gpu:
            need(place, (8, 0), "bf16")
        if kind == "int8":
            if not hasattr(torch, "_int_mm"):
                raise NotOffered("this torch has no int8 product")
            need(place, (7, 5), "int8")
            generator = torch.Generator(device=place.name).manual_seed(SEED)
            self.a, b = (torch.randint(-127, 128, (n, n), dtype=torch.int8, device=place.name, generator=generator) for _ in range(2))
            self.b = b.t()
            self.function = torch._int_mm
        elif kind == "fp8":
            if not place.gpu or not hasattr(torch, "float8_e4m3fn") or not hasattr(torch, "_scaled_mm"):
                raise NotOffered("this torch has no fp8 product here")
            need(place, (8, 9), "fp8")
            self.a = normal(torch, place, torch.float8_e4m3fn, n, n)
            self.b = normal(torch, place, torch.float8_e4m3fn, n, n, seed=1).t()
            one = torch.ones((), dtype=torch.float32, device=place.name)

            def scaled(a, b):
                got = torch._scaled_mm(a, b, scale_a=one, scale_b=one, out_dtype=torch.bfloat16)
                # Up to 2.4 it also returns the largest value.
                return got[0] if isinstance(got, tuple) else got

            self.function = scaled
        else:
            dtype = dtype_of(torch, kind)
            self.a, self.b = normal(torch, place, dtype, n, n), normal(torch, place, dtype, n, n, seed=1)
            self.function = torch.matmul
        if self.plan.compile is not None:
            self.function = torch.compile(self.function, mode=self.plan.compile)

    def product(self):
        with self.plan.casting(self.torch, self.place):
            return self.function(self.a, self.b)

    def run(self):
        self.product()

    def error(self, relative):
        # Whole rows, spread over the answer.
        rows = int(max(1, min(self.n, TRUTH_FLOP / (2.0 * self.n ** 2))))
        index = self.torch.linspace(0, self.n - 1, rows).long()
        got = self.product()[index.to(self.place.name)]
        return relative(self.torch, got, self.a.cpu()[index].double() @ self.b.cpu().double())


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


class Attention(object):
    """Forward; 4 B H T^2 D FLOP, half of it when causal."""
    unit = "FLOP"
    traffic = None

    def __init__(self, torch, place, plan, p):
        self.torch, self.place, self.plan, self.p = torch, place, plan, p
        self.causal = p["causal"] == 1
        self.work = 4.0 * p["batch"] * p["heads"] * p["length"] ** 2 * p["dim"] * (0.5 if self.causal else 1.0)
        self.need_bytes = 5 * 4 * p["batch"] * p["heads"] * p["length"] * p["dim"]
        if not place.gpu or p.get("backend") == "math":
            self.need_bytes += 2 * 4 * p["batch"] * p["heads"] * p["length"] ** 2

    def make(self):
        torch, p = self.torch, self.p
        if not hasattr(torch.nn.functional, "scaled_dot_product_attention"):
            raise NotOffered("this torch has no scaled_dot_product_attention")
        shape = (p["batch"], p["heads"], p["length"], p["dim"])
        if p["dtype"] == "bf16" and self.place.gpu:
            need(self.place, (8, 0), "bf16")
        self.qkv = [normal(torch, self.place, dtype_of(torch, p["dtype"]), *shape, seed=i) for i in range(3)]
        causal = self.causal

        def attend(q, k, v):
            return torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)

        self.function = attend if self.plan.compile is None else torch.compile(attend, mode=self.plan.compile)

    def answer(self):
        with self.torch.no_grad(), self.plan.casting(self.torch, self.place):
            return self.function(*self.qkv)

    def run(self):
        self.answer()

    def error(self, relative):
        torch, (q, k, v) = self.torch, self.qkv
        length, dim = self.p["length"], self.p["dim"]
        rows = int(max(1, min(length, TRUTH_FLOP / (4.0 * length * dim))))
        index = torch.linspace(0, length - 1, rows).long()
        got, worst = self.answer(), 0.0
        # The first head and the last: a backend that mixes them up is found.
        for b, h in {(0, 0), (self.p["batch"] - 1, self.p["heads"] - 1)}:
            scores = q[b, h].cpu()[index].double() @ k[b, h].cpu().double().t() / float(dim) ** 0.5
            if self.causal:
                scores = scores.masked_fill(torch.arange(length)[None, :] > index[:, None], float("-inf"))
            exact = scores.softmax(-1) @ v[b, h].cpu().double()
            worst = max(worst, relative(torch, got[b, h].cpu()[index], exact))
        return worst


class Convolution(object):
    """Two 3 x 3 convolutions with batch norm and a shortcut (He et al., CVPR 2016), forward and backward."""
    unit = "image"
    traffic = None

    def __init__(self, torch, place, plan, p):
        self.torch, self.place, self.plan, self.p = torch, place, plan, p
        self.work = float(p["batch"])
        self.need_bytes = 10 * 4 * p["batch"] * p["channels"] * p["size"] ** 2

    def block(self, dtype, device):
        torch, channels = self.torch, self.p["channels"]

        class Block(torch.nn.Module):
            def __init__(self):
                torch.nn.Module.__init__(self)
                self.conv1 = torch.nn.Conv2d(channels, channels, 3, padding=1, bias=False)
                self.norm1 = torch.nn.BatchNorm2d(channels)
                self.conv2 = torch.nn.Conv2d(channels, channels, 3, padding=1, bias=False)
                self.norm2 = torch.nn.BatchNorm2d(channels)

            def forward(self, x):
                y = torch.relu(self.norm1(self.conv1(x)))
                return torch.relu(self.norm2(self.conv2(y)) + x)

        torch.manual_seed(SEED)
        return Block().to(device=device, dtype=dtype)

    def make(self):
        torch, p = self.torch, self.p
        dtype = dtype_of(torch, p["dtype"])
        self.plain = self.block(dtype, self.place.name)
        self.x = normal(torch, self.place, dtype, p["batch"], p["channels"], p["size"], p["size"])
        self.slope = normal(torch, self.place, dtype, p["batch"], p["channels"], p["size"], p["size"], seed=1)
        if self.plan.channels_last:
            self.plain = self.plain.to(memory_format=torch.channels_last)
            self.x, self.slope = (t.to(memory_format=torch.channels_last) for t in (self.x, self.slope))
        self.x.requires_grad_(True)
        self.function = self.plain if self.plan.compile is None else torch.compile(self.plain, mode=self.plan.compile)

    def run(self):
        # Gradients start anew, as an optimiser leaves them.
        self.x.grad = None
        self.plain.zero_grad(set_to_none=True)
        with self.plan.casting(self.torch, self.place):
            y = self.function(self.x)
        y.backward(self.slope.to(y.dtype))

    def error(self, relative):
        # Of two images: batch norm has them all in each of its answers.
        torch = self.torch
        exact = self.block(torch.float64, "cpu")
        exact.load_state_dict({name: value.detach().cpu().double() if value.is_floating_point() else value.cpu() for name, value in self.plain.state_dict().items()})
        x = self.x.detach()[:2]
        with torch.no_grad():
            with self.plan.casting(torch, self.place):
                got = self.plain(x)
            return relative(torch, got, exact(x.cpu().double()))


KERNELS = {"matmul": Matmul, "cpu_matmul": Matmul, "copy": Copy, "triad": Triad, "host_copy": HostCopy, "peer_copy": PeerCopy, "attention": Attention, "cpu_attention": Attention, "convolution": Convolution}
