"""The steps of a proof. Each takes (torch, device, numbers) and returns (error, tolerance, text); see `run_step`.

`device` has: name ('cuda:0' or 'cpu'), capability ((9, 0), or None on the CPU).
"""
import importlib.util
import os
import shutil
import warnings


class NotOffered(Exception):
    """This torch, GPU or machine does not have it: no failure."""


M, N, K = 192, 256, 512
SEED = 20


def _need(device, least, what):
    if device.capability is not None and device.capability < least:
        raise NotOffered("%s needs compute capability %d.%d" % (what, least[0], least[1]))


def _data(torch, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(SEED + sum(shape)))


def _matmul(torch, device, numbers, dtype, **units):
    # Rounded first, so that the reference has the very inputs of the GPU.
    a, b = _data(torch, M, K).to(dtype), _data(torch, K, N).to(dtype)
    got = torch.matmul(a.to(device.name), b.to(device.name)).cpu()
    exact = a.double() @ b.double()
    bound = a.double().abs() @ b.double().abs()
    return numbers.compare(got, exact), numbers.tolerance_of_products(K, numbers.spread_of(bound, exact), **units), None


def matmul_fp32(torch, device, numbers):
    return _matmul(torch, device, numbers, torch.float32)


def matmul_tf32(torch, device, numbers):
    _need(device, (8, 0), "TF32")
    if not hasattr(torch, "set_float32_matmul_precision"):
        raise NotOffered("this PyTorch has no switch for TF32 that holds over versions")
    torch.set_float32_matmul_precision("high")
    try:
        return _matmul(torch, device, numbers, torch.float32, u_in=numbers.UNIT["tf32"])
    finally:
        torch.set_float32_matmul_precision("highest")


def matmul_fp16(torch, device, numbers):
    return _matmul(torch, device, numbers, torch.float16, u_out=numbers.UNIT["float16"])


def matmul_bf16(torch, device, numbers):
    try:
        return _matmul(torch, device, numbers, torch.bfloat16, u_out=numbers.UNIT["bfloat16"])
    except RuntimeError as error:
        # Below 8.0 it is emulated where the library can.
        if device.capability is not None and device.capability < (8, 0) and "no kernel image" not in str(error):
            raise NotOffered("bf16 needs compute capability 8.0: " + str(error))
        raise


def matmul_fp8(torch, device, numbers):
    if not hasattr(torch, "float8_e4m3fn") or not hasattr(torch, "_scaled_mm"):
        raise NotOffered("this PyTorch has no fp8 product")
    _need(device, (8, 9), "fp8")
    a, b = _data(torch, M, K).to(torch.float8_e4m3fn), _data(torch, N, K).to(torch.float8_e4m3fn)
    on_gpu_a, on_gpu_b = a.to(device.name), b.to(device.name).t()
    one = torch.ones((), dtype=torch.float32, device=device.name)
    try:
        try:
            got = torch._scaled_mm(on_gpu_a, on_gpu_b, scale_a=one, scale_b=one, out_dtype=torch.bfloat16)
        except TypeError:
            got = torch._scaled_mm(on_gpu_a, on_gpu_b, out_dtype=torch.bfloat16)
    except (RuntimeError, NotImplementedError) as error:
        if _lacks(error, "only supported", "not compiled", "not supported on", "not supported for", "requires cuda", "not implemented"):
            raise NotOffered(str(error))
        raise
    # Up to 2.4 it also returns the largest value.
    got = (got[0] if isinstance(got, tuple) else got).cpu()
    exact = a.double() @ b.double().t()
    bound = a.double().abs() @ b.double().abs().t()
    tolerance = numbers.tolerance_of_products(K, numbers.spread_of(bound, exact), u_sum=numbers.UNIT_FP8_SUM, u_out=numbers.UNIT["bfloat16"])
    return numbers.compare(got, exact), tolerance, None


def matmul_int8(torch, device, numbers):
    if not hasattr(torch, "_int_mm"):
        raise NotOffered("this PyTorch has no int8 product")
    _need(device, (7, 5), "int8")
    generator = torch.Generator().manual_seed(SEED)
    a = torch.randint(-128, 128, (M, K), dtype=torch.int8, generator=generator)
    b = torch.randint(-128, 128, (N, K), dtype=torch.int8, generator=generator)
    try:
        got = torch._int_mm(a.to(device.name), b.to(device.name).t()).cpu()
    except (RuntimeError, NotImplementedError) as error:
        if _lacks(error, "not compiled", "not implemented", "only supported"):
            raise NotOffered(str(error))
        raise
    # Whole numbers: exact, or wrong.
    return numbers.compare(got, a.double() @ b.double().t()), 0.0, None


def convolution(torch, device, numbers):
    x, w = _data(torch, 4, 16, 32, 32), _data(torch, 32, 16, 3, 3)
    conv = torch.nn.functional.conv2d
    got = conv(x.to(device.name), w.to(device.name), padding=1).cpu()
    exact = conv(x.double(), w.double(), padding=1)
    bound = conv(x.double().abs(), w.double().abs(), padding=1)
    # torch allows cuDNN TF32 by default. Winograd's transforms cost about a digit (Lavin and Gray, "Fast Algorithms
    # for Convolutional Neural Networks", CVPR 2016, table 3), so sums count as ten times less exact.
    tf32 = device.capability is not None and device.capability >= (8, 0)
    tolerance = numbers.tolerance_of_products(16 * 9, numbers.spread_of(bound, exact), u_sum=10 * numbers.UNIT["float32"], u_in=numbers.UNIT["tf32"] if tf32 else 0.0)
    return numbers.compare(got, exact), tolerance, None


def linalg(torch, device, numbers):
    """One system, a batch of them, and the factors themselves: three ways through libtorch_cuda_linalg."""
    n = 128
    # The identity plus noise of spectral norm about 1/2: well conditioned, cond <= (1 + 1/2) / (1 - 1/2) = 3.
    a = torch.eye(n) + _data(torch, 5, n, n) / (4 * n ** 0.5)
    b = _data(torch, 5, n, 2)
    exact = torch.linalg.solve(a.double(), b.double())
    on_gpu_a, on_gpu_b = a.to(device.name), b.to(device.name)
    single = numbers.compare(torch.linalg.solve(on_gpu_a[0], on_gpu_b[0]).cpu(), exact[0])
    batch = numbers.compare(torch.linalg.solve(on_gpu_a, on_gpu_b).cpu(), exact)
    errors = [single, batch]
    if hasattr(torch.linalg, "lu"):
        p, lower, upper = (part.cpu().double() for part in torch.linalg.lu(on_gpu_a))
        errors.append(numbers.compare(p @ lower @ upper, a.double()))
    # Forward error of LU with pivoting: about cond sqrt(n) u (Higham, theorem 9.4, with sqrt(n) for n as above).
    tolerance = numbers.tolerance_of_products(n, 3.0)
    return None if None in errors else max(errors), tolerance, None


def _attention(torch, device, numbers, new, old):
    functional = torch.nn.functional
    if not hasattr(functional, "scaled_dot_product_attention"):
        raise NotOffered("this PyTorch has no scaled_dot_product_attention")
    pick = _backend(torch, new, old)
    # A size that every backend takes; different data for each of the three.
    q, k, v = (_data(torch, 2, 4, 128 + i, 64)[:, :, :128].to(torch.float16) for i in range(3))
    said = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                with pick:
                    got = functional.scaled_dot_product_attention(q.to(device.name), k.to(device.name), v.to(device.name)).cpu()
            finally:
                said = [str(w.message).split(" (Triggered")[0] for w in caught]
    except RuntimeError as error:
        if _lacks(error, "no available kernel", "no viable backend", "invalid backend", "not compiled", "only supports gpus with"):
            raise NotOffered("; ".join([str(error)] + said))
        raise
    scores = q.double() @ k.double().transpose(-1, -2) / 8.0  # sqrt(64)
    weights = scores.softmax(-1)
    exact = weights @ v.double()
    spread = numbers.spread_of(weights @ v.double().abs(), exact)
    # Weights and result are rounded to fp16; a backend that stores scores in fp16 makes a weight relatively wrong by
    # u |score|, as exp(s + s u) = exp(s)(1 + s u). Sums are in fp32, whose share is in the rest.
    u = numbers.UNIT["float16"]
    tolerance = numbers.SAFETY * u * spread * (2.0 + float(scores.abs().max())) + numbers.tolerance_of_products(128, spread)
    return numbers.compare(got, exact), tolerance, None


def _backend(torch, new, old):
    """The context manager that leaves one backend only."""
    attention = getattr(torch.nn, "attention", None)
    if attention is None and importlib.util.find_spec("torch.nn.attention") is not None:
        import torch.nn.attention as attention
    if attention is not None and hasattr(attention, "sdpa_kernel"):
        backend = getattr(attention.SDPBackend, new, None)
        if backend is None:
            raise NotOffered("this PyTorch has no such backend")
        return attention.sdpa_kernel(backend)
    if old is None or not hasattr(torch.backends.cuda, "sdp_kernel"):
        raise NotOffered("this PyTorch has no such backend")
    return torch.backends.cuda.sdp_kernel(**{name: name == old for name in ("enable_flash", "enable_math", "enable_mem_efficient")})


def attention_math(torch, device, numbers):
    return _attention(torch, device, numbers, "MATH", "enable_math")


def attention_efficient(torch, device, numbers):
    return _attention(torch, device, numbers, "EFFICIENT_ATTENTION", "enable_mem_efficient")


def attention_flash(torch, device, numbers):
    return _attention(torch, device, numbers, "FLASH_ATTENTION", "enable_flash")


def attention_cudnn(torch, device, numbers):
    return _attention(torch, device, numbers, "CUDNN_ATTENTION", None)


def compile_smoke(torch, device, numbers):
    if not hasattr(torch, "compile"):
        raise NotOffered("this PyTorch has no torch.compile")
    if importlib.util.find_spec("triton") is None:
        raise NotOffered("triton is not installed")
    _need(device, (7, 0), "triton")
    if os.name == "posix" and not any(shutil.which(name) for name in (os.environ.get("CC") or "cc", "cc", "gcc", "clang")):
        raise NotOffered("there is no C compiler on this machine, which torch.compile needs")

    def smoke(x):
        return (torch.sin(x) * x + 1.0).relu().sum(-1)

    x = _data(torch, M, K)
    try:
        got = torch.compile(smoke)(x.to(device.name)).cpu()
    except RuntimeError as error:
        # The version of Python, or of Windows.
        if _lacks(error, "not supported on python", "not yet supported", "dynamo is not supported", "windows not"):
            raise NotOffered(str(error))
        raise
    exact = smoke(x.double())
    # All summands are positive, so the bound is the sum itself; one more K for sin and the products before it.
    return numbers.compare(got, exact), numbers.tolerance_of_products(4 * K, 1.0), None


def _lacks(error, *words):
    text = str(error).lower()
    return any(word in text for word in words)


KERNELS = {
    "matmul_fp32": matmul_fp32, "matmul_tf32": matmul_tf32, "matmul_fp16": matmul_fp16, "matmul_bf16": matmul_bf16,
    "matmul_fp8": matmul_fp8, "matmul_int8": matmul_int8, "convolution": convolution, "linalg": linalg,
    "attention_math": attention_math, "attention_efficient": attention_efficient, "attention_flash": attention_flash,
    "attention_cudnn": attention_cudnn, "compile": compile_smoke,
}
