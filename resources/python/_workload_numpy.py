"""The matrix product on the processor with NumPy, for machines that have no torch. A workload is as in _workload_kernels.

The product goes into the same array each time: it is the product that is timed, and not the memory for its answer.
"""
import ctypes
import glob
import os
import sys

from _workload_parts import SEED, NotANumber, NotOffered, furthest

# Work in FP64 that `error` may do, FLOP; of a larger answer so many rows are checked.
TRUTH_FLOP = 3e10


def import_numpy(packages):
    """`packages`: a folder that is looked into first, with nothing but NumPy in it."""
    if packages is not None:
        sys.path.insert(0, packages)
    import numpy
    # A leftover folder called numpy is imported, too.
    if not hasattr(numpy, "matmul") or not hasattr(numpy, "random"):
        raise ImportError("what is imported as numpy has no arrays: %s" % (getattr(numpy, "__file__", None),))
    return numpy


class Matmul(object):
    unit = "FLOP"

    def __init__(self, numpy, p):
        kinds = {"fp32": numpy.float32, "fp64": numpy.float64}
        if p["dtype"] not in kinds:
            raise NotOffered("NumPy has no fast %s product; it needs PyTorch" % p["dtype"])
        self.numpy, self.n, self.kind, self.dtype = numpy, p["n"], p["dtype"], kinds[p["dtype"]]
        self.work = 2.0 * self.n ** 3
        # Two factors and the answer, and beside them the same in FP64 for the comparison.
        self.need_bytes = 48 * self.n ** 2

    def make(self):
        source = self.numpy.random.default_rng(SEED)
        self.a, self.b = (source.standard_normal((self.n, self.n), dtype=self.dtype) for _ in range(2))
        self.c = self.numpy.empty((self.n, self.n), dtype=self.dtype)

    def run(self):
        self.numpy.matmul(self.a, self.b, out=self.c)

    def error(self, _):
        """Largest difference to the truth over the largest true value."""
        numpy = self.numpy
        self.run()
        if not numpy.isfinite(self.c).all():
            raise NotANumber("the answer holds what is no number")
        if self.kind == "fp64":
            worst = furthest(self.n, lambda i, j: float(self.c[i, j]), lambda i: self.a[i].tolist(), lambda j: self.b[:, j].tolist())
            return worst / float(numpy.abs(self.c).max())
        rows = int(max(1, min(self.n, TRUTH_FLOP / (2.0 * self.n ** 2))))
        index = numpy.linspace(0, self.n - 1, rows).astype(numpy.int64)
        exact = numpy.matmul(self.a[index].astype(numpy.float64), self.b.astype(numpy.float64))
        return float(numpy.abs(self.c[index].astype(numpy.float64) - exact).max()) / float(numpy.abs(exact).max())


WORKLOADS = {"matmul": Matmul, "cpu_matmul": Matmul}


def libraries_of(numpy):
    """Files of the BLAS that is loaded: beside NumPy in a wheel, else wherever the system has it."""
    folder = os.path.dirname(os.path.abspath(numpy.__file__))
    found = glob.glob(os.path.join(folder + ".libs", "*openblas*")) + glob.glob(os.path.join(folder, ".dylibs", "*openblas*"))
    try:
        with open("/proc/self/maps") as maps:
            for line in maps:
                path = line.rstrip("\n").partition("/")[2]
                if ("blas" in path or "mkl_rt" in path) and "/" + path not in found:
                    found.append("/" + path)
    except OSError:
        pass
    return found[:16]


def ask(library, stem, kind):
    """OpenBLAS carries a prefix in wheels of NumPy and a suffix where its numbers have 64 bits."""
    for prefix in ("scipy_openblas_", "openblas_"):
        for suffix in ("64_", "", "_64"):
            function = getattr(library, prefix + stem + suffix, None)
            if function is not None:
                function.restype, function.argtypes = kind, []
                return function()
    return None


def configured_blas(numpy):
    """What NumPy was built with, by its own word; null: it does not say."""
    try:
        blas = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return ("%s %s" % (blas.get("name"), blas.get("version") or "")).strip()
    except Exception:  # before 1.25, or built in another way
        return None


def facts_of(numpy):
    """Which BLAS, with which kernels, on how many threads: asked of the library that is loaded."""
    blas, kernel, threads = configured_blas(numpy), None, None
    for path in libraries_of(numpy):
        try:
            library = ctypes.CDLL(path)
            said = ask(library, "get_config", ctypes.c_char_p)
            if said is None:
                continue
            # `OpenBLAS 0.3.30  USE64BITINT DYNAMIC_ARCH NO_AFFINITY SkylakeX MAX_THREADS=64`
            blas = " ".join(said.decode("ascii", "replace").split()[:2])
            name = ask(library, "get_corename", ctypes.c_char_p)
            kernel = None if name is None else name.decode("ascii", "replace")
            threads = ask(library, "get_num_threads", ctypes.c_int)
            break
        except (OSError, AttributeError, ValueError):
            continue
    if threads is None:
        wished = os.environ.get("OMP_NUM_THREADS", "")
        threads = int(wished) if wished.isdigit() else None
    return {"numpy": str(numpy.__version__), "blas": blas, "blasKernel": kernel, "threads": threads}
