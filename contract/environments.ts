import { z } from 'zod';
import { problem } from './problem.ts';

/** What an environment is, by its own marks on disk. */
export const environmentKind = z.enum(['venv', 'virtualenv', 'uv', 'uv_tool', 'uv_python', 'conda', 'pixi', 'pyenv', 'pipx', 'poetry', 'pipenv', 'hatch', 'system', 'portable', 'store', 'other']);
export type EnvironmentKind = z.infer<typeof environmentKind>;

/** The tool that changes its packages. Null: none is known, or none may. */
export const environmentTool = z.enum(['pip', 'uv', 'conda', 'mamba', 'micromamba', 'pixi', 'poetry', 'pipenv', 'hatch', 'pipx']);
export type EnvironmentTool = z.infer<typeof environmentTool>;

export const pythonFacts = z.object({
  /** The interpreter's path inside the environment; null where there is none. */
  path: z.string().nullable(),
  /** The real file behind it; null when the link dangles. */
  realPath: z.string().nullable(),
  version: z.string().nullable(),
  implementation: z.enum(['cpython', 'pypy', 'other']).nullable(),
  /** Wheel tag of the ABI, as `cp312` or `cp313t`. */
  abi: z.string().nullable(),
  freeThreaded: z.boolean(),
});
export type PythonFacts = z.infer<typeof pythonFacts>;

/** What finding an environment tells, from files alone: no interpreter and no `.pth` is run. */
export const foundEnvironment = z.object({
  /**
   * First 12 hex digits of the SHA-256 of the prefix's real path (links of the *folder* followed, so that every way to it
   * gives the same id; links of the interpreter not, a venv keeps its identity). A further Python in the same prefix
   * (`/usr` with 3.11 and 3.12) adds a NUL and its version.
   */
  id: z.string(),
  name: z.string(),
  kind: environmentKind,
  tool: environmentTool.nullable(),
  /** Its root folder (sys.prefix). */
  prefix: z.string(),
  /** Which locators found it: `virtualenv folders`, `conda list`, `Jupyter kernel "chat"`, … Human words. */
  foundBy: z.array(z.string()),
  python: pythonFacts,
  /** sys.base_prefix; equal to the prefix where it is no virtual environment. */
  basePrefix: z.string().nullable(),
  /** The project that owns it (uv, poetry, pixi, hatch, pipenv), where it can be told. */
  projectFolder: z.string().nullable(),
  /** Package folders in the order of sys.path; also those of the base when it shares them. */
  packageFolders: z.array(z.string()),
  sharesBasePackages: z.boolean(),
  /** PEP 668: belongs to the system's package manager. */
  externallyManaged: z.boolean(),
  ownerUid: z.int().nullable(),
  /** In WSL, a container volume, another user's home: where it is when it is not simply here. */
  place: z.string().nullable(),
  /** Newest change of its package folder, Unix ms. */
  changedAtMs: z.number().nullable(),
  problems: z.array(problem),
});
export type FoundEnvironment = z.infer<typeof foundEnvironment>;

/** One kind of device code in a library: `sm_90a` as SASS, `compute_120` as PTX. */
export const deviceCode = z.object({
  /** `sm_80`, `sm_90a`, `sm_120f`, `compute_90`. */
  arch: z.string(),
  kind: z.enum(['sass', 'ptx']),
  /** Containers that hold it, and entries in all. */
  containers: z.int(),
  entries: z.int(),
  /** PTX ISA version as `8.7`; null for SASS. */
  ptxIsa: z.string().nullable(),
});
export type DeviceCode = z.infer<typeof deviceCode>;

/** What a shared library carries for GPUs, read from entry headers alone. */
export const libraryCensus = z.object({
  /** Relative to the package folder it was found in. */
  path: z.string(),
  sizeBytes: z.number(),
  /** Read from disk to know this. */
  bytesRead: z.number(),
  format: z.enum(['elf', 'pe', 'unknown']),
  containers: z.int(),
  code: z.array(deviceCode),
  /** Device code outside the section that counts (listed apart, never part of the verdict). */
  elsewhere: z.array(deviceCode),
  /** What did not fit the format, in words; reading went on where it could. */
  troubles: z.array(z.string()),
});
export type LibraryCensus = z.infer<typeof libraryCensus>;

export const torchFacts = z.object({
  /** Folder of the package. */
  path: z.string(),
  /** `torch/version.py`: with the local label. */
  version: z.string().nullable(),
  /** dist-info or conda-meta; on PyPI without the label. */
  metadataVersion: z.string().nullable(),
  build: z.enum(['cuda', 'rocm', 'xpu', 'cpu', 'unknown']),
  /** CUDA version it was built with, as `12.1`. */
  cuda: z.string().nullable(),
  hip: z.string().nullable(),
  /** INSTALLER, or `conda`. */
  installer: z.string().nullable(),
  directUrl: z.string().nullable(),
  condaBuild: z.string().nullable(),
  wheelTag: z.string().nullable(),
  /** The compiled-in list that torch.cuda.get_arch_list() answers; null where none was found. */
  flags: z.array(z.string()).nullable(),
  flagsFile: z.string().nullable(),
  /** By the majority rule: what at least half of the containers of the main library carry. */
  census: z.array(z.string()).nullable(),
  libraries: z.array(libraryCensus),
  requires: z.array(z.string()),
});
export type TorchFacts = z.infer<typeof torchFacts>;

/** A package whose kernels or version have to fit torch and the GPU. */
export const companionFacts = z.object({
  name: z.string(),
  version: z.string(),
  installer: z.string().nullable(),
  /** Its requirement on torch, as `torch==2.4.1`; null when it has none. */
  torchRequirement: z.string().nullable(),
  /** CUDA version in its own label or libraries' needs (`cu121`, major 12). */
  cudaLabel: z.string().nullable(),
  cudaMajor: z.int().nullable(),
  /** Extensions with device code; empty where it compiles at run time or brings none. */
  libraries: z.array(libraryCensus),
});
export type CompanionFacts = z.infer<typeof companionFacts>;

export const recordCheck = z.object({
  packages: z.int(),
  files: z.int(),
  missing: z.int(),
  /** Size differs from RECORD. */
  changed: z.int(),
  /** The first hundred, relative to the package folder, with their package. */
  examples: z.array(z.object({ package: z.string(), path: z.string(), what: z.enum(['missing', 'size', 'hash']) })),
  /** Paths that two installed packages both claim. */
  shared: z.array(z.object({ path: z.string(), packages: z.array(z.string()) })),
  sharedCount: z.int(),
  tookMs: z.number(),
});
export type RecordCheck = z.infer<typeof recordCheck>;

/** A line of a file that asks for a version of torch. */
export const torchPin = z.object({
  file: z.string(),
  line: z.int().nullable(),
  /** The package that is pinned: torch, torchvision, …; or who requires it. */
  package: z.string(),
  specifier: z.string(),
  source: z.enum(['uv.lock', 'requirements', 'pyproject', 'environment.yml', 'pixi', 'poetry.lock', 'constraint', 'package']),
});
export type TorchPin = z.infer<typeof torchPin>;

/** All that is read of one environment without running anything of it. */
export const environmentXray = z.object({
  environmentId: z.string(),
  atMs: z.number(),
  tookMs: z.number(),
  bytesRead: z.number(),
  /** Null: there is none. */
  torch: torchFacts.nullable(),
  /** Further torch folders or dist-infos that are hidden by the first, or damage it. */
  otherTorch: z.array(z.object({ path: z.string(), version: z.string().nullable(), why: z.string() })),
  companions: z.array(companionFacts),
  /** All packages by name and version, for diffs: sorted by name. */
  packages: z.array(z.object({ name: z.string(), version: z.string() })),
  /** `nvidia-*` packages of a CUDA major that this torch does not use. */
  leftovers: z.array(z.object({ name: z.string(), version: z.string(), cudaMajor: z.int() })),
  record: recordCheck.nullable(),
  pins: z.array(torchPin),
  /** Names that the environment's own files would import instead of a package (`torch.py` in its folder, user site). */
  shadows: z.array(z.object({ module: z.string(), path: z.string(), why: z.string() })),
  problems: z.array(problem),
});
export type EnvironmentXray = z.infer<typeof environmentXray>;
