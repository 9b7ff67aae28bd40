import { fileURLToPath } from 'node:url';
import type { EnvironmentXray, FoundEnvironment } from '../../../contract/environments.ts';
import type { DriverFacts, GpuTarget, VerdictCell, VerdictWord } from '../../../contract/verdict.ts';
import { readAdviceTables, type AdviceTables } from './advice-tables.ts';
import type { AdviceInput } from './list-routes.ts';

/** The shipped tables and plain facts for the tests of this folder. */
export const resources = fileURLToPath(new URL('../../../resources', import.meta.url));
let tables: Promise<AdviceTables> | null = null;
export const shippedTables = (): Promise<AdviceTables> => (tables ??= readAdviceTables(resources));

export const gpu = (computeCapability: string | null, name = `GPU ${computeCapability ?? '?'}`, source: GpuTarget['source'] = 'given'): GpuTarget => ({ key: name, name, computeCapability, index: source === 'driver' ? 0 : null, tegra: ['5.3', '6.2', '7.2', '8.7', '8.8', '10.1', '11.0'].includes(computeCapability ?? ''), source });
export const driver = (version: string | null, more: Partial<DriverFacts> = {}): DriverFacts => ({ version, cudaVersion: null, mismatch: false, platform: 'linux_x86_64', wsl: false, source: version === null ? 'none' : 'given', ...more });
export const cell = (verdict: VerdictWord, gaps: readonly string[] = []): VerdictCell => ({ gpuKey: 'g', verdict, text: '', evidence: [], problem: null, forecast: null, repairable: true, gaps: [...gaps] });

export function environment(more: Partial<Omit<FoundEnvironment, 'python'>> & { readonly python?: Partial<FoundEnvironment['python']> } = {}): FoundEnvironment {
  const prefix = more.prefix ?? '/home/me/chat/.venv';
  return {
    id: 'abcdef012345', name: 'chat', kind: 'venv', tool: 'pip', foundBy: ['virtualenv folders'], basePrefix: '/usr', projectFolder: null, packageFolders: [`${prefix}/lib/python3.12/site-packages`], sharesBasePackages: false, externallyManaged: false, ownerUid: 1000, place: null, changedAtMs: null, problems: [],
    ...more, prefix, python: { path: `${prefix}/bin/python`, realPath: '/usr/bin/python3.12', version: '3.12.3', implementation: 'cpython', abi: 'cp312', freeThreaded: false, ...more.python },
  };
}

export function xray(torch: string | null, more: Partial<EnvironmentXray> & { readonly names?: readonly string[] } = {}): EnvironmentXray {
  const { names = ['torch==2.4.1', 'torchvision==0.19.1'], ...rest } = more;
  const cuda = /\+cu(\d{2})(\d)$/.exec(torch ?? '');
  return {
    environmentId: 'abcdef012345', atMs: 0, tookMs: 1, bytesRead: 1, otherTorch: [], companions: [], leftovers: [], record: null, pins: [], shadows: [], problems: [],
    torch: torch === null ? null : { path: '/t', version: torch, metadataVersion: torch.split('+')[0] ?? null, build: cuda === null ? 'cpu' : 'cuda', cuda: cuda === null ? null : `${cuda[1] ?? ''}.${cuda[2] ?? ''}`, hip: null, installer: 'pip', directUrl: null, condaBuild: null, wheelTag: null, flags: ['sm_50', 'sm_90'], flagsFile: '/t/lib/libtorch_python.so', census: null, libraries: [], requires: [] },
    packages: torch === null ? [] : names.map((n) => { const [name = '', version = '1'] = n.split('=='); return { name, version }; }), ...rest,
  };
}

/** An RTX 5090 beside torch 2.4.1+cu121 in a venv of pip's, driver 580; the rest as given. */
export async function adviceInput(more: Partial<AdviceInput> = {}): Promise<AdviceInput> {
  return { found: environment(), xray: xray('2.4.1+cu121'), cells: [cell('incompatible')], targets: [gpu('12.0', 'RTX 5090')], driver: driver('580.95.05'), tables: await shippedTables(), tools: { docker: true, uv: true, conda: false }, torchIndexUrl: 'https://download.pytorch.org/whl', ...more };
}
