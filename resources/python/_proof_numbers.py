"""Test data, fp64 references and how far from them a right answer may be.

Error: the largest |got - exact| divided by the largest |exact|, over all elements.

Tolerance, from the bounds in Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed.:
  * A sum of k products in precision u differs from the exact one by at most k u |a|.|b| (section 3.1) and, as
    roundings are not all of one sign, by about sqrt(k) u |a|.|b| with near certainty (Higham and Mary, "A New
    Approach to Probabilistic Rounding Error Analysis", SIAM J. Sci. Comput. 41, 2019, theorem 2.4: lambda sqrt(k) u
    with probability 1 - 2 exp(-lambda^2 / 2); SAFETY is lambda).
  * Storing a result in a type of unit roundoff u_out adds u_out |exact|. PARTS of it are allowed, because
    libraries may store partial sums in that type (allow_fp16_reduced_precision_reduction is on by default).
  * Where the hardware cuts inputs to u_in (TF32; it may truncate, which doubles it), the two factors of each
    product add 4 u_in |a|.|b|.
`spread` is max(|a|.|b|) / max|exact|, computed from the data.
A wrong result (zeros, rows mixed up, stale memory) is off by about 1, far above any of these.
"""
import math

# Unit roundoff 2^-p; p = bits of the significand with the implicit one.
UNIT = {"float32": 2.0 ** -24, "tf32": 2.0 ** -11, "float16": 2.0 ** -11, "bfloat16": 2.0 ** -8}
# Hopper's fp8 tensor cores keep about 14 bits of a running sum (DeepSeek-V3 technical report, section 3.3.2).
UNIT_FP8_SUM = 2.0 ** -14
SAFETY = 8.0
PARTS = 4.0


def tolerance_of_products(k, spread, u_sum=UNIT["float32"], u_out=UNIT["float32"], u_in=0.0):
    return SAFETY * math.sqrt(k) * u_sum * spread + PARTS * u_out + 4.0 * u_in * spread


def compare(got, exact):
    """The error, or None when the answer holds something that is no number. Both on the CPU."""
    got = got.double()
    if got.shape != exact.shape:
        raise ValueError("the answer has the shape %s instead of %s" % (tuple(got.shape), tuple(exact.shape)))
    error = float((got - exact).abs().max() / exact.abs().max())
    return error if math.isfinite(error) else None


def spread_of(bound, exact):
    return float(bound.max() / exact.abs().max())
