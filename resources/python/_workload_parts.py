"""What the workloads of single operations share: data, what a machine does not offer, the distance to the truth.

Data are normal random numbers of a fixed seed: constants draw less power and clock higher.
"""
from fractions import Fraction

SEED = 20
EXACT_ELEMENTS = 16


class NotOffered(Exception):
    """This torch, GPU or machine does not have it."""


class NotANumber(Exception):
    pass


def size_of(torch, dtype):
    return torch.empty(0, dtype=dtype).element_size()


def dtype_of(torch, name):
    return {"fp64": torch.float64, "fp32": torch.float32, "tf32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[name]


def need(place, least, what):
    if place.capability is not None and tuple(place.capability) < least:
        raise NotOffered("%s needs compute capability %d.%d, this GPU has %d.%d" % ((what,) + least + tuple(place.capability)))


def normal(torch, place, dtype, *shape, **more):
    generator = torch.Generator(device=place.name).manual_seed(SEED + more.get("seed", 0))
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    return torch.randn(*shape, generator=generator, device=place.name, dtype=wide).to(dtype)


def furthest(n, element, row, column):
    """Of a product in FP64, which has no wider type everywhere: the largest difference of some elements to exact fractions. `row` and `column` answer lists."""
    worst = 0.0
    for k in range(EXACT_ELEMENTS):
        # Primes: spread over the answer.
        i, j = (7919 * k) % n, (104729 * k) % n
        exact = sum(Fraction(x) * Fraction(y) for x, y in zip(row(i), column(j)))
        worst = max(worst, float(abs(Fraction(element(i, j)) - exact)))
    return worst


def relative(torch, got, exact):
    """Largest difference over the largest true value, both on the processor."""
    value = float((got.detach().cpu().double() - exact).abs().max() / exact.abs().max().clamp_min(1e-300))
    if value != value or value in (float("inf"), float("-inf")):
        raise NotANumber("the answer holds what is no number")
    return value
