import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { buildWheel, type BuiltWheel } from './build-wheel.ts';

export interface TorchWheels {
  /** As of the package index of all: torch's METADATA has no label there. */
  readonly simple: readonly BuiltWheel[];
  /** Sub-indexes of PyTorch's own: `whl/cu121`, `whl/cu130`, …: labels in METADATA. */
  readonly indexes: Readonly<Record<string, readonly BuiltWheel[]>>;
}

export interface TorchWheelsOptions {
  /** A folder per torch version with header-only real libraries (`2.4.1/torch/lib/*.so`, `2.11.0/…`). */
  readonly libraries: string;
  /** Wheel tag of the interpreter that will install them: `cp311-cp311-linux_x86_64`. */
  readonly tag: string;
  /** Extra bytes in each new torch, so that a download takes its time. Default 0. */
  readonly ballastBytes?: number;
}

const VERSION_PY = (version: string, cuda: string | null): string =>
  `from typing import Optional\n\n__all__ = ['__version__', 'debug', 'cuda', 'git_version', 'hip']\n__version__ = '${version}'\ndebug = False\ncuda: Optional[str] = ${cuda === null ? 'None' : `'${cuda}'`}\ngit_version = '0000000000000000000000000000000000000000'\nhip: Optional[str] = None\n`;
/** Enough to be imported and recognised as torch: it has `version` and `tensor`. */
const INIT_PY = 'from . import version\nfrom .version import __version__\n\n\ndef tensor(data):\n    return data\n';

/**
 * A small family of torch wheels that mirrors the real one in what matters for an upgrade: CUDA 12 and 13 builds of
 * cuDNN share paths, torchvision pins torch exactly, labels are where they are in reality, and the libraries carry
 * real kernel headers. Old: 2.4.1 (CUDA 12.1, to sm_90). New: 2.14.1 (CUDA 13.0, with sm_120). Also a CPU build.
 */
export function makeTorchWheels(options: TorchWheelsOptions): TorchWheels {
  const oldLibraries = readLibraries(join(options.libraries, '2.4.1'));
  const newLibraries = readLibraries(join(options.libraries, '2.11.0'));
  // Not compressible, so that the wheel is as large as asked for.
  const ballast = new Uint8Array(options.ballastBytes ?? 0).map((_, i) => (Math.imul(i + 1, 2_654_435_761) >>> 13) & 0xff);
  const torch = (version: string, label: string, inMetadata: boolean, cuda: string | null, libraries: Readonly<Record<string, Uint8Array>>, requires: readonly string[], tag: string): BuiltWheel =>
    buildWheel({
      name: 'torch', version, ...(inMetadata ? { label } : {}), tag, requires, requiresPython: '>=3.8',
      files: { 'torch/__init__.py': INIT_PY, 'torch/version.py': VERSION_PY(`${version}+${label}`, cuda), ...libraries, ...(ballast.length > 0 ? { 'torch/lib/ballast.bin': ballast } : {}) },
    });
  const needs = (typing: string, sympy: string): string[] => [`typing-extensions${typing}`, `sympy${sympy}`];
  const oldNeeds = [...needs('>=4.8.0', ''), 'nvidia-cudnn-cu12 (==9.1.0.70)', 'nvidia-nccl-cu12 (==2.20.5)', 'nvidia-nvtx-cu12 (==12.1.105)', 'triton (==3.0.0)'];
  const newNeeds = [...needs('>=4.10.0', '>=1.13.3'), 'nvidia-cudnn-cu13==9.13.0.50', 'nvidia-nccl-cu13==2.27.7', 'nvidia-nvtx==13.0.85', 'triton==3.9.0'];
  const library = (name: string, version: string, files: Readonly<Record<string, string>>): BuiltWheel => buildWheel({ name, version, files });
  const parts = [
    // The paths that CUDA 12 and 13 share, as in the real wheels.
    library('nvidia-cudnn-cu12', '9.1.0.70', { 'nvidia/cudnn/lib/libcudnn.so.9': 'cudnn for CUDA 12\n', 'nvidia/cudnn/__init__.py': '' }),
    library('nvidia-cudnn-cu13', '9.13.0.50', { 'nvidia/cudnn/lib/libcudnn.so.9': 'cudnn for CUDA 13\n', 'nvidia/cudnn/lib/libcudnn_graph.so.9': 'graph\n', 'nvidia/cudnn/__init__.py': '' }),
    library('nvidia-nccl-cu12', '2.20.5', { 'nvidia/nccl/lib/libnccl.so.2': 'nccl for CUDA 12\n' }),
    library('nvidia-nccl-cu13', '2.27.7', { 'nvidia/nccl/lib/libnccl.so.2': 'nccl for CUDA 13\n' }),
    library('nvidia-nvtx-cu12', '12.1.105', { 'nvidia/nvtx/lib/libnvToolsExt.so.1': 'nvtx 12\n' }),
    library('nvidia-nvtx', '13.0.85', { 'nvidia/cu13/lib/libnvtx3interop.so.1': 'nvtx 13\n' }),
    library('triton', '3.0.0', { 'triton/__init__.py': "__version__ = '3.0.0'\n" }),
    library('triton', '3.9.0', { 'triton/__init__.py': "__version__ = '3.9.0'\n" }),
    library('typing-extensions', '4.9.0', { 'typing_extensions.py': '# 4.9.0\n' }),
    library('typing-extensions', '4.15.0', { 'typing_extensions.py': '# 4.15.0\n' }),
    library('sympy', '1.12.1', { 'sympy/__init__.py': "__version__ = '1.12.1'\n" }),
    library('sympy', '1.14.0', { 'sympy/__init__.py': "__version__ = '1.14.0'\n" }),
    library('numpy', '1.26.4', { 'numpy/__init__.py': "__version__ = '1.26.4'\n" }),
    library('numpy', '2.3.1', { 'numpy/__init__.py': "__version__ = '2.3.1'\n" }),
  ];
  const vision = (version: string, label: string | null, torchVersion: string): BuiltWheel => buildWheel({
    name: 'torchvision', version, ...(label === null ? {} : { label }), tag: options.tag, requires: ['numpy', `torch==${torchVersion}`],
    files: { 'torchvision/__init__.py': '', 'torchvision/version.py': `__version__ = '${version}${label === null ? '' : `+${label}`}'\n` },
  });
  const others = [
    buildWheel({ name: 'accelerate', version: '1.2.0', requires: ['torch>=2.0.0', 'numpy'], files: { 'accelerate/__init__.py': '' } }),
    buildWheel({ name: 'xformers', version: '0.0.28', requires: ['torch==2.4.1', 'numpy'], files: { 'xformers/__init__.py': '' } }),
    buildWheel({ name: 'requests', version: '2.31.0', files: { 'requests/__init__.py': '' } }),
  ];
  const foreignTag = options.tag.replace(/^cp\d+-cp\d+/, 'cp38-cp38');
  return {
    simple: [
      torch('2.4.1', 'cu121', false, '12.1', oldLibraries, oldNeeds, options.tag), vision('0.19.1', null, '2.4.1'),
      torch('2.14.1', 'cu130', false, '13.0', newLibraries, newNeeds, options.tag), vision('0.29.1', null, '2.14.1'), ...parts, ...others,
    ],
    indexes: {
      'whl/cu121': [torch('2.4.1', 'cu121', true, '12.1', oldLibraries, oldNeeds, options.tag), vision('0.19.1', 'cu121', '2.4.1'), ...parts],
      'whl/cu130': [
        torch('2.14.1', 'cu130', true, '13.0', newLibraries, newNeeds, options.tag), vision('0.29.1', 'cu130', '2.14.1'),
        // Only for a Python that is too old: "no wheel" by its tag.
        torch('2.13.0', 'cu130', true, '13.0', newLibraries, newNeeds, foreignTag), ...parts,
      ],
      'whl/cpu': [torch('2.14.1', 'cpu', true, null, {}, needs('>=4.10.0', '>=1.13.3'), options.tag), vision('0.29.1', 'cpu', '2.14.1'), ...parts],
    },
  };
}

/** Every file below `torch/` but version.py, by its path in site-packages. */
function readLibraries(folder: string): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  for (const name of readdirSync(join(folder, 'torch'), { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, 'torch', name);
    if (name !== 'version.py' && statSync(path).isFile()) files[relative(folder, path).split(sep).join('/')] = readFileSync(path);
  }
  return files;
}
