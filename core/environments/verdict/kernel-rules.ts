/**
 * Which kernels a build of torch has, and whether a GPU is served by them. Measured on twelve real wheels: the majority
 * rule on the main library equals the maintainers' own list; stray extras (a few sm_90a in a build for sm_90) do not count. Pure.
 */
import type { DeviceCode, LibraryCensus, TorchFacts } from '../../../contract/environments.ts';
import type { DriverFacts, Evidence, GpuTarget } from '../../../contract/verdict.ts';
import type { Tables } from '../tables/read-tables.ts';
import { compareVersions, compilesFor, ownArchitecture, parseArchitecture, parseCapability, runsNatively, type Architecture, type Capability } from './architecture-rules.ts';
import { cudaForPtx, cudaOfDriver, driverPlace, type DriverCuda } from './driver-rules.ts';

export const baseName = (path: string): string => path.split(/[\\/]/).at(-1) ?? path;
/** The library (up to 1.13: the two) that torch's kernels are in. */
export const isMainLibrary = (path: string): boolean => /^(lib)?torch_cuda(_cu|_cpp)?\.(so|dll)/.test(baseName(path));
/** Linear algebra: judged apart, never for torch as a whole. */
export const isLinalgLibrary = (path: string): boolean => /^(lib)?torch_cuda_linalg\.(so|dll)/.test(baseName(path));

export const codeName = (code: Architecture): string => `${code.kind === 'sass' ? 'sm' : 'compute'}_${code.number}${code.suffix}`;
const byNumber = (a: string, b: string): number => (parseArchitecture(a)?.number ?? 0) - (parseArchitecture(b)?.number ?? 0) || a.localeCompare(b);
export const listText = (archs: readonly string[]): string => (archs.length === 0 ? 'nothing' : [...archs].sort(byNumber).join(' '));

/** The majority rule: device code that at least half as many containers hold as hold the most frequent. */
export function majorityCode(code: readonly DeviceCode[]): DeviceCode[] {
  const most = Math.max(0, ...code.map((c) => c.containers));
  return code.filter((c) => c.containers * 2 >= most && c.containers > 0);
}

export interface KernelList {
  readonly archs: readonly string[];
  /** The libraries that it was read in. */
  readonly place: string;
  /** PTX architecture → the newest ISA among its entries. */
  readonly ptxIsa: ReadonlyMap<string, string>;
  /** The list that was compiled in differs from the kernels. */
  readonly disagrees: { readonly flags: readonly string[]; readonly census: readonly string[] } | null;
}

/**
 * What runs: the kernels. The list that was compiled in is only compared, for it says what was meant, also where the
 * library beside it is cut off or of another build. Null where the kernels could not be read.
 */
export function decideKernelList(torch: TorchFacts): KernelList | null {
  if (torch.census === null) return null;
  const main = torch.libraries.filter((l) => isMainLibrary(l.path)), ptxIsa = new Map<string, string>();
  for (const code of main.flatMap((l) => l.code)) {
    if (code.kind !== 'ptx' || code.ptxIsa === null) continue;
    const before = ptxIsa.get(code.arch);
    if (before === undefined || compareVersions(code.ptxIsa, before) > 0) ptxIsa.set(code.arch, code.ptxIsa);
  }
  const disagrees = torch.flags !== null && !sameSet(torch.census, torch.flags) ? { flags: torch.flags, census: torch.census } : null;
  return { archs: torch.census, place: main.length === 0 ? torch.path : main.map((l) => l.path).join(', '), ptxIsa, disagrees };
}

const sameSet = (a: readonly string[], b: readonly string[]): boolean => {
  const left = new Set(a), right = new Set(b);
  return left.size === right.size && [...left].every((x) => right.has(x));
};

/** `ptx_too_new`: the driver does not know its PTX · `ptx_unknown`: whether it does cannot be told. */
export type KernelState = 'native' | 'jit' | 'ptx_too_new' | 'ptx_unknown' | 'missing';
export interface KernelJudgement {
  readonly state: KernelState;
  /** The code that serves it: `sm_86`, `compute_90`. */
  readonly by: string | null;
  /** CUDA that the driver must run for the PTX. */
  readonly needCuda: string | null;
  readonly evidence: readonly Evidence[];
}

/** Whether a list serves a GPU with a driver. `builtWith`: the CUDA that stands for PTX whose version was not read. */
export function judgeKernels(archs: readonly string[], ptxIsa: ReadonlyMap<string, string>, builtWith: string | null, gpu: Capability, driver: DriverFacts, tables: Tables): KernelJudgement {
  const code = archs.map(parseArchitecture).filter((a) => a !== null);
  const native = code.filter((c) => runsNatively(c, gpu)).sort(newestFirst)[0];
  if (native !== undefined) return { state: 'native', by: codeName(native), needCuda: null, evidence: [] };
  const compiling = code.filter((c) => compilesFor(c, gpu)).sort(newestFirst);
  if (compiling.length === 0) return { state: 'missing', by: null, needCuda: null, evidence: [] };
  const known = cudaOfDriver(driver, tables);
  const options = compiling.map((c) => judgePtx(codeName(c), ptxIsa.get(codeName(c)) ?? null, builtWith, known, driver));
  return options.find((o) => o.state === 'jit') ?? options.find((o) => o.state === 'ptx_unknown') ?? options[0] ?? { state: 'missing', by: null, needCuda: null, evidence: [] };
}

function judgePtx(name: string, isa: string | null, builtWith: string | null, known: DriverCuda | null, driver: DriverFacts): KernelJudgement {
  const read = isa === null ? null : cudaForPtx(isa);
  const need = read ?? (builtWith === null ? null : { cuda: builtWith, exact: true });
  const what = { what: 'PTX to compile from', value: `${name}${isa === null ? '' : `, PTX ${isa}`}`, place: isa === null ? 'the list of architectures' : 'the entries of the main library', supports: true };
  if (need === null) return { state: 'ptx_unknown', by: name, needCuda: null, evidence: [what] };
  const order = known === null ? null : compareVersions(known.cuda, need.cuda);
  // A driver older than all on record runs less than the oldest CUDA on record; how much less is not known.
  const enough = order === null ? null : known?.below === true ? (order <= 0 ? false : null) : order > 0 || (order === 0 && need.exact);
  const asked = { what: 'CUDA that this PTX needs', value: need.exact ? need.cuda : `newer than ${need.cuda}`, place: isa === null ? 'the CUDA it was built with' : 'NVIDIA’s table of PTX versions', supports: enough !== false };
  const has = { what: 'CUDA of the driver', value: known === null ? 'not known' : `${known.below ? 'less than ' : ''}${known.cuda}`, place: known?.place ?? driverPlace(driver), supports: enough !== false };
  const unknown = !need.exact && enough === true;
  const state = enough === false ? 'ptx_too_new' : unknown || (enough === null && driver.version !== null) ? 'ptx_unknown' : 'jit';
  return { state, by: name, needCuda: need.cuda, evidence: [what, asked, has] };
}

const newestFirst = (a: Architecture, b: Architecture): number => b.number - a.number || b.suffix.localeCompare(a.suffix);

/** How much of a library serves a GPU, by containers: a fatbin's container is one kernel file in all its versions. */
export interface LibraryCoverage {
  /** 0 to 1; an upper bound where several architectures of a major serve it. */
  readonly share: number;
  readonly by: readonly string[];
}
export function coverageOf(library: LibraryCensus, gpu: Capability, kinds: 'sass' | 'both'): LibraryCoverage {
  const serving = library.code.filter((c) => {
    const arch = parseArchitecture(c.arch);
    return arch !== null && (runsNatively(arch, gpu) || (kinds === 'both' && compilesFor(arch, gpu)));
  });
  const total = Math.max(library.containers, ...library.code.map((c) => c.containers), 0);
  return { share: total === 0 ? 0 : Math.min(1, serving.reduce((sum, c) => sum + c.containers, 0) / total), by: serving.map((c) => c.arch) };
}

/** Linear algebra libraries that lack the GPU: less than half of their containers serve it. */
export function linalgGaps(torch: TorchFacts, gpu: Capability): { name: string; evidence: Evidence }[] {
  return torch.libraries.filter((l) => isLinalgLibrary(l.path) && l.code.length > 0).flatMap((library) => {
    const { share, by } = coverageOf(library, gpu, 'both');
    if (share >= 0.5) return [];
    const value = `${listText([...new Set(library.code.map((c) => c.arch))])}; ${by.length === 0 ? 'none' : `only ${Math.round(share * 100)} %`} of it runs on ${ownArchitecture(gpu)}`;
    return [{ name: baseName(library.path), evidence: { what: 'Kernels for linear algebra', value, place: library.path, supports: false } }];
  });
}

/** Extras in a few containers that would run on the GPU: told so that nobody takes them for support. */
export function strayFor(torch: TorchFacts, list: KernelList, target: GpuTarget): Evidence | null {
  const gpu = parseCapability(target.computeCapability ?? '');
  if (gpu === null) return null;
  const stray = torch.libraries.filter((l) => isMainLibrary(l.path)).flatMap((l) => l.code.map((c) => ({ ...c, path: l.path, of: l.containers })))
    .filter((c) => !list.archs.includes(c.arch)).filter((c) => { const a = parseArchitecture(c.arch); return a !== null && runsNatively(a, gpu); });
  if (stray.length === 0) return null;
  return { what: 'In a few places only, not counted', value: stray.map((c) => `${c.arch} in ${c.containers} of ${c.of}`).join(', '), place: [...new Set(stray.map((c) => c.path))].join(', '), supports: false };
}
