/** What keeps torch from being imported at all, as far as files tell it. Pure. */
import type { EnvironmentXray, FoundEnvironment, LibraryCensus, TorchFacts } from '../../../contract/environments.ts';
import type { Evidence } from '../../../contract/verdict.ts';
import { normalName } from '../tables/companion-table.ts';
import { baseName, isMainLibrary } from './kernel-rules.ts';

export interface BrokenTorch {
  readonly detail: string;
  readonly text: string;
  readonly evidence: readonly Evidence[];
  /** Installing it again mends it. */
  readonly repairable: boolean;
}

/** Codes of findings that leave no Python to run. */
const noPython: ReadonlySet<string> = new Set(['env.interpreter_missing', 'env.interpreter_broken']);

/** Files without which `import torch` ends. The linear algebra library is loaded at its first use. */
function isRequired(owner: string, path: string): boolean {
  const clean = path.replaceAll('\\', '/');
  if (owner === 'torch') {
    if (/(^|\/)torch_cuda_linalg\.dll$|libtorch_cuda_linalg\.so/.test(clean)) return false;
    return /(^|\/)torch\/(__init__\.py|version\.py|_C[^/]*\.(so|pyd)|lib\/[^/]+\.(so|dll)(\.[\d.]+)?)$/.test(clean);
  }
  return owner.startsWith('nvidia-') && /\.(so|dll)(\.[\d.]+)?$/.test(clean);
}

/** Null where nothing of the kind is seen: it may still fail, which only running it tells. */
export function decideBroken(found: FoundEnvironment, xray: EnvironmentXray): BrokenTorch | null {
  const python = found.problems.find((p) => noPython.has(p.code));
  const torch = xray.torch;
  if (torch === null) {
    // A record without its package. Remains of a removal alone are no torch.
    const record = xray.packages.find((p) => normalName(p.name) === 'torch');
    if (record === undefined) return null;
    const place = xray.otherTorch[0]?.path ?? found.packageFolders[0] ?? found.prefix;
    return { detail: `torch ${record.version} is listed as installed, but its package folder is not there.`, text: 'its package folder is gone', repairable: python === undefined, evidence: [{ what: 'Listed as installed', value: `torch ${record.version}, without its folder`, place, supports: false }] };
  }
  if (python !== undefined) return { detail: `${python.title}: ${python.cause}`, text: 'its interpreter does not run', repairable: false, evidence: [{ what: 'Interpreter', value: python.title, place: found.python.path ?? found.prefix, supports: false }] };
  if (torch.version === null) {
    return { detail: `${torch.path} has no readable version.py.`, text: 'version.py is missing or cannot be read', repairable: true, evidence: [{ what: 'Version of torch', value: 'none', place: `${torch.path}/version.py`, supports: false }] };
  }
  const leftovers = new Set(xray.leftovers.map((l) => normalName(l.name)));
  const damaged = (xray.record?.examples ?? []).filter((e) => {
    const owner = normalName(e.package);
    return !leftovers.has(owner) && isRequired(owner, e.path) && (e.what === 'missing' || (owner === 'torch' && e.what === 'size' && isCutOff(e.path, torch.libraries)));
  });
  const first = damaged[0];
  if (first === undefined) return mainLibraryGone(torch);
  const more = damaged.length > 1 ? ` and ${damaged.length - 1} more` : '';
  return {
    detail: `${first.path} of ${first.package}${more} ${damaged.length > 1 ? 'are' : 'is'} ${first.what === 'missing' ? 'missing' : 'cut off or replaced'}.`,
    text: `${baseName(first.path)} is ${first.what === 'missing' ? 'missing' : 'damaged'}`, repairable: true,
    evidence: damaged.slice(0, 8).map((e) => ({ what: e.what === 'missing' ? 'Missing file' : 'Changed file', value: e.path, place: `RECORD of ${e.package}`, supports: false })),
  };
}

/** A library of another size than recorded. The ones whose sections were read without trouble are whole all the same. */
function isCutOff(path: string, libraries: readonly LibraryCensus[]): boolean {
  if (!/\.(so|dll|pyd)(\.[\d.]+)?$/.test(path)) return false;
  const read = libraries.find((l) => baseName(l.path) === baseName(path));
  return read === undefined || read.troubles.length > 0 || read.containers === 0;
}

/** The list of a CUDA build lies in libtorch_python; without libtorch_cuda beside it, importing ends. */
function mainLibraryGone(torch: TorchFacts): BrokenTorch | null {
  if (torch.build !== 'cuda' || torch.flagsFile === null || torch.libraries.some((l) => isMainLibrary(l.path))) return null;
  const name = torch.flagsFile.endsWith('.dll') ? 'torch_cuda.dll' : 'libtorch_cuda.so';
  return { detail: `${name} is not beside ${torch.flagsFile}.`, text: `${name} is missing`, repairable: true, evidence: [{ what: 'Missing file', value: name, place: torch.flagsFile, supports: false }] };
}

/** Of what torch asks for, the libraries that it loads at import: not installed, it depends on the system having them. */
export function missingRequirements(xray: EnvironmentXray): string[] {
  const torch = xray.torch;
  if (torch === null || torch.build !== 'cuda' || torch.installer === 'conda') return [];
  const there = new Set(xray.packages.map((p) => normalName(p.name)));
  // No list of packages was read: nothing can be missing from it.
  if (there.size === 0) return [];
  return torch.requires.map((r) => normalName(/^[A-Za-z0-9][\w.-]*/.exec(r.trim())?.[0] ?? '')).filter((name) => /^nvidia-(cudnn|cublas|cuda-runtime|nccl|cusparselt)(-cu\d+)?$/.test(name) && !there.has(name));
}
