"""Single operations: matrix product, attention, a convolution block.

A workload has: `run()` (one repetition), `work` (units of one repetition), `unit` (what `work` counts: FLOP, byte,
image), `traffic` (bytes that it moves, where caches matter), `need_bytes` (about, before anything is made),
`error(relative)`: the largest difference to FP64, by the function `relative` of _workload_parts.py.
"""
from _workload_parts import SEED, NotANumber, NotOffered, dtype_of, furthest, need, normal

# Work in FP64 that `error` may do on the processor, FLOP; at most so many rows of a larger answer are checked.
TRUTH_FLOP = 3e10


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
        if self.kind == "fp64":
            got = self.product()
            if not bool(self.torch.isfinite(got).all()):
                raise NotANumber("the answer holds what is no number")
            return furthest(self.n, lambda i, j: got[i, j].item(), lambda i: self.a[i].tolist(), lambda j: self.b[:, j].tolist()) / float(got.abs().max())
        # Whole rows, spread over the answer.
        rows = int(max(1, min(self.n, TRUTH_FLOP / (2.0 * self.n ** 2))))
        index = self.torch.linspace(0, self.n - 1, rows).long()
        got = self.product()[index.to(self.place.name)]
        return relative(self.torch, got, self.a.cpu()[index].double() @ self.b.cpu().double())


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


KERNELS = {"matmul": Matmul, "cpu_matmul": Matmul, "attention": Attention, "cpu_attention": Attention, "convolution": Convolution}
