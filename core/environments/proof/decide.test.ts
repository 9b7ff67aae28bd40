import { describe, expect, it } from 'vitest';
import { proofStepName, type ProofStep, type VerdictWord } from '../../../contract/verdict.ts';
import { decideFailureCause } from './decide-failure-cause.ts';
import { decideImportFailure, parseCudaLabel } from './decide-import-failure.ts';
import { decideProof } from './decide-proof.ts';

const noKernel = 'RuntimeError: CUDA error: no kernel image is available for execution on the device\nFor debugging …';
/** All steps passed but for these; what follows a failed import or context is skipped. */
function steps(changed: Partial<Record<ProofStep['name'], Partial<ProofStep>>> = {}): ProofStep[] {
  let blocked = false;
  return proofStepName.options.map((name) => {
    const step: ProofStep = { name, state: 'passed', error: 1e-7, tolerance: 1e-5, tookMs: 1, text: null, ...changed[name] };
    if (blocked) return { ...step, state: 'skipped' };
    blocked = (name === 'import' || name === 'context') && step.state !== 'passed';
    return step;
  });
}
const kernelSteps = proofStepName.options.filter((name) => !['import', 'context', 'allocate'].includes(name));
const allFail = (text: string): ProofStep[] => steps(Object.fromEntries(kernelSteps.map((name) => [name, { state: 'failed', text }])));
const decide = (of: readonly ProofStep[], predicted: VerdictWord, onCpu = false): ReturnType<typeof decideProof> => decideProof(of, predicted, { gpuName: 'NVIDIA H100', cudaMajor: 13, onCpu });

describe('decideProof', () => {
  it.each<[string, ProofStep[], VerdictWord, { works: boolean; agrees: boolean; code: string | null }]>([
    ['all is well, as promised', steps(), 'native', { works: true, agrees: true, code: null }],
    ['what is not offered is no failure', steps({ matmul_fp8: { state: 'not_offered' }, attention_cudnn: { state: 'not_offered' } }), 'native', { works: true, agrees: true, code: null }],
    ['compiled from PTX, as promised', steps(), 'jit', { works: true, agrees: true, code: null }],
    ['one kernel is missing after all', steps({ linalg: { state: 'failed', text: noKernel } }), 'native', { works: false, agrees: false, code: 'proof.disagrees' }],
    ['a wrong result', steps({ matmul_fp16: { state: 'wrong', error: 0.9 } }), 'native', { works: false, agrees: false, code: 'proof.disagrees' }],
    ['a crash', steps({ attention_flash: { state: 'crashed', text: 'it was ended by SIGSEGV' } }), 'native', { works: false, agrees: false, code: 'proof.disagrees' }],
    ['a full GPU says nothing about files', steps({ allocate: { state: 'failed', text: 'OutOfMemoryError: CUDA out of memory.' } }), 'native', { works: false, agrees: true, code: 'proof.failed' }],
    ['neither does one that CUDA does not see', steps({ context: { state: 'failed', text: 'RuntimeError: No CUDA GPUs are available' } }), 'native', { works: false, agrees: true, code: 'proof.failed' }],
    ['torch.compile alone', steps({ compile: { state: 'failed', text: 'BackendCompilerFailed: …' } }), 'native', { works: true, agrees: true, code: 'proof.failed' }],
    ['no kernels, as promised', allFail(noKernel), 'incompatible', { works: false, agrees: true, code: 'proof.failed' }],
    ['kernels run where none were promised', steps(), 'incompatible', { works: true, agrees: false, code: 'proof.disagrees' }],
    ['some run where none were promised', steps({ linalg: { state: 'failed', text: noKernel } }), 'incompatible', { works: false, agrees: false, code: 'proof.disagrees' }],
    ['an old driver that is new enough', steps(), 'driver_too_old', { works: true, agrees: false, code: 'proof.disagrees' }],
    ['a CPU build', steps({ context: { state: 'failed', text: 'RuntimeError: torch 2.9.1 is built without CUDA' } }), 'cpu_only', { works: false, agrees: true, code: 'proof.failed' }],
    ['a library lacks it, as promised', steps({ linalg: { state: 'failed', text: noKernel } }), 'library_gap', { works: false, agrees: true, code: 'proof.failed' }],
    ['torch itself lacks it too', steps({ matmul_fp32: { state: 'failed', text: noKernel } }), 'library_gap', { works: false, agrees: false, code: 'proof.disagrees' }],
    ['broken, as promised', steps({ import: { state: 'failed', text: 'OSError: libnccl.so.2: cannot open shared object file: No such file or directory' } }), 'broken', { works: false, agrees: true, code: 'torch.broken' }],
    ['broken although nothing said so', steps({ import: { state: 'failed', text: 'OSError: libnccl.so.2: cannot open shared object file: No such file or directory' } }), 'native', { works: false, agrees: false, code: 'proof.disagrees' }],
    ['an import that hangs', steps({ import: { state: 'hung', text: 'it hung' } }), 'unknown', { works: false, agrees: true, code: 'proof.failed' }],
    ['nothing was promised', steps(), 'unknown', { works: true, agrees: true, code: null }],
  ])('%s', (_, of, predicted, { code, ...rest }) => {
    const decision = decide(of, predicted);
    expect(decision).toMatchObject(rest);
    expect(decision.problem?.code ?? null).toBe(code);
  });

  it('the processor contradicts no verdict about GPUs', () => {
    const cpu = steps().filter((s) => s.name === 'import' || s.name === 'matmul_fp32');
    expect(decide(cpu, 'cpu_only', true)).toEqual({ works: true, agrees: true, problem: null });
  });

  it('import alone proves no kernel', () => {
    expect(decide(steps().slice(0, 3), 'native')).toEqual({ works: false, agrees: true, problem: null });
  });

  it('its sentences name step, cause and remedy', () => {
    const missing = decide(steps({ linalg: { state: 'failed', text: noKernel } }), 'native').problem;
    expect(missing?.cause).toBe('The files promised kernels for this GPU; run on NVIDIA H100 it failed: linear algebra, RuntimeError: CUDA error: no kernel image is available for execution on the device.');
    expect(missing?.chain[0]).toContain('This build has no code for this GPU.');
    const wrong = decide(steps({ matmul_bf16: { state: 'wrong', error: 0.91, tolerance: 0.0157 } }), 'unknown').problem;
    expect(wrong?.cause).toBe('NVIDIA H100, bf16 matrix product: the result is off by 9.1e-1 of its largest value, at most 1.6e-2 is rounding');
    expect(decide(steps(), 'incompatible').problem?.cause).toContain('The files promised that there are no kernels for this GPU; run on NVIDIA H100 it worked.');
    const broken = decide(steps({ import: { state: 'failed', text: 'OSError: libcudnn.so.9: cannot open shared object file: No such file or directory' } }), 'broken').problem;
    expect(broken).toMatchObject({ code: 'torch.broken', facts: { library: 'libcudnn.so.9', package: 'nvidia-cudnn-cu13' } });
  });
});

describe('decideFailureCause', () => {
  it.each<[ProofStep['state'], string | null, boolean, string]>([
    ['failed', noKernel, true, 'no code for this GPU'],
    ['failed', 'RuntimeError: CUDA error: the provided PTX was compiled with an unsupported toolchain.', true, 'Update the driver'],
    ['failed', 'OutOfMemoryError: CUDA out of memory. Tried to allocate 64.00 MiB', false, 'full'],
    ['failed', 'RuntimeError: CUDA error: all CUDA-capable devices are busy or unavailable', false, 'Another program'],
    ['failed', 'RuntimeError: The NVIDIA driver on your system is too old (found version 11040)', true, 'Update the driver'],
    ['failed', 'RuntimeError: Found no NVIDIA driver on your system.', false, 'nvidia-smi'],
    ['failed', 'InductorError: CalledProcessError: /tmp/x/main.c:5:10: fatal error: Python.h: No such file or directory', false, 'python3-dev'],
    ['failed', 'KeyError: 3', true, 'log of the job'],
    // The stack of a crash may name anything.
    ['crashed', 'it was ended by SIGSEGV. Last frame: out of memory.py', true, 'stack'],
    ['wrong', null, true, 'Do not trust'],
  ])('%s: %s', (state, text, evidence, words) => {
    const cause = decideFailureCause({ state, text });
    expect(cause.evidence).toBe(evidence);
    expect(cause.remedy).toContain(words);
  });
});

describe('decideImportFailure', () => {
  const cannot = (library: string): string => `ImportError: ${library}: cannot open shared object file: No such file or directory`;
  it.each<[string, number | null, string | null]>([
    // The number of the file is CUDA's, or tells it.
    ['libcublas.so.12', null, 'nvidia-cublas-cu12'],
    ['libcublas.so.13', 12, 'nvidia-cublas'],
    ['libcublasLt.so.11', null, 'nvidia-cublas-cu11'],
    ['libcudart.so.12', null, 'nvidia-cuda-runtime-cu12'],
    ['libcudart-d0da41ae.so.11.0', null, 'nvidia-cuda-runtime-cu11'],
    ['libcufft.so.11', null, 'nvidia-cufft-cu12'],
    ['libcufft.so.12', null, 'nvidia-cufft'],
    ['libcusolver.so.12', null, 'nvidia-cusolver'],
    ['libnvJitLink.so.13', null, 'nvidia-nvjitlink'],
    ['libcupti.so.12', null, 'nvidia-cuda-cupti-cu12'],
    // It does not: torch's own CUDA says which.
    ['libcudnn.so.9', 12, 'nvidia-cudnn-cu12'],
    ['libcudnn.so.9', 13, 'nvidia-cudnn-cu13'],
    ['libcudnn_graph.so.9', 13, 'nvidia-cudnn-cu13'],
    ['libcudnn.so.9', null, 'nvidia-cudnn'],
    ['libcusparse.so.12', 13, 'nvidia-cusparse'],
    ['libcusparseLt.so.0', 13, 'nvidia-cusparselt-cu13'],
    ['libcusparseLt.so.0', 12, 'nvidia-cusparselt-cu12'],
    ['libnccl.so.2', 12, 'nvidia-nccl-cu12'],
    ['libnvshmem_host.so.3', 13, 'nvidia-nvshmem-cu13'],
    ['libcufile.so.0', 12, 'nvidia-cufile-cu12'],
    ['libcufile.so.0', 13, 'nvidia-cufile'],
    ['libcurand.so.10', 12, 'nvidia-curand-cu12'],
    ['libtorch_cuda.so', 12, 'torch'],
    ['libcuda.so.1', 12, null],
    ['libopenblas.so.0', 12, null],
  ])('%s, CUDA %s → %s', (library, major, packageName) => {
    const failure = decideImportFailure(cannot(library), major);
    expect(failure.packageName).toBe(packageName);
    expect(failure.library).toBe(library.replace(/-[\da-f]{8}/, ''));
    if (packageName !== null) expect(failure.remedy).toContain(packageName.replace(/-cu\d+$/, ''));
  });

  it.each([
    ["ModuleNotFoundError: No module named 'torch'", 'Install PyTorch'],
    ["ModuleNotFoundError: No module named 'torch._utils'", 'Reinstall torch'],
    ["ModuleNotFoundError: No module named 'typing_extensions'", 'together with what it requires'],
    ['ImportError: /env/torch/lib/libtorch_cuda.so: undefined symbol: ncclCommShrink', 'mixed'],
    ["ImportError: /lib64/libm.so.6: version `GLIBC_2.28' not found (required by libtorch_cpu.so)", 'older than this build'],
    ["ImportError: libstdc++.so.6: version `GLIBCXX_3.4.29' not found", 'libstdc++'],
    ['OSError: [WinError 126] The specified module could not be found. Error loading "c10.dll"', 'Redistributable'],
    ['ImportError: /env/x.so: file too short', 'damaged'],
    ['ValueError: something else', 'Reinstall'],
  ])('%s', (text, words) => {
    expect(decideImportFailure(text, 12)).toMatchObject({ library: null, packageName: null });
    expect(decideImportFailure(text, 12).remedy).toContain(words);
  });

  it('a message of a megabyte', () => {
    expect(decideImportFailure(`ImportError: lib${'a'.repeat(1_000_000)}`, null).detail).toHaveLength(500);
  });

  it.each<[string | null, number | null]>([['2.4.1+cu121', 12], ['1.13.1+cu117', 11], ['2.15.0+cu132', 13], ['2.9.1+cpu', null], ['2.9.1', null], [null, null], ['', null]])('parseCudaLabel %s', (text, major) => {
    expect(parseCudaLabel(text)).toBe(major);
  });
});
