/** A container image by its tag, from what its makers publish: it is not opened. Pure. */
import { makeProblem, type Facts, type ProblemCode } from '../../../contract/problem-catalogue.ts';
import type { DriverFacts, Evidence, GpuTarget, VerdictCell, VerdictWord } from '../../../contract/verdict.ts';
import type { ImageRow } from '../tables/image-table.ts';
import { cudaOfLabel, labelOfCuda, listWheels, releaseOf, wheelServes, type WheelRow } from '../tables/list-wheels.ts';
import type { Tables } from '../tables/read-tables.ts';
import { compareVersions, ownArchitecture, parseCapability } from './architecture-rules.ts';
import { judgeDriver } from './driver-rules.ts';
import { listText } from './kernel-rules.ts';
import { decideMixedNotes } from './mixed-gpus.ts';
import { driverText } from './remedies.ts';

/** What a tag says: kernels for a GPU (null: not known), and the CUDA it stands on. */
interface ImageFacts {
  readonly torch: string | null;
  readonly cudaMajor: number | null;
  readonly cpu: boolean;
  readonly serves: (target: GpuTarget) => { state: 'native' | 'jit' | 'missing' | 'unknown'; why: string; archs: string };
  readonly evidence: readonly Evidence[];
  readonly notes: readonly string[];
  /** What to take instead, in one sentence. */
  readonly instead: string;
}

export interface JudgedImage { readonly cells: VerdictCell[]; readonly notes: string[] }

export function judgeImage(image: string, targets: readonly GpuTarget[], driver: DriverFacts, tables: Tables): JudgedImage {
  const name = image.trim().slice(0, 300), parts = splitImage(name);
  const facts = parts === null ? null : ngcFacts(parts, tables) ?? dockerFacts(parts, driver, tables) ?? vllmFacts(parts, tables);
  const platform = driver.platform === 'windows_x86_64' ? ['On Windows it runs in WSL 2; the driver is the one of Windows.'] : [];
  if (facts === null) {
    const detail = parts === null ? `"${name}" is no image with a tag, such as nvcr.io/nvidia/pytorch:25.04-py3.` : `Nothing is on record of ${name}: neither its torch nor its CUDA is known without opening it.`;
    return { cells: targets.map((t) => cellOf(t, 'unknown', 'nothing is on record of this image', 'torch.unknown', { detail }, [{ what: 'Image', value: name === '' ? 'none' : name, place: tablePlace(tables, 'all rows'), supports: false }])), notes: [...platform] };
  }
  return { cells: targets.map((t) => judgeOne(name, facts, t, driver, tables)), notes: [...facts.notes, ...platform, ...decideMixedNotes(targets, driver, tables)] };
}

function judgeOne(name: string, facts: ImageFacts, target: GpuTarget, driver: DriverFacts, tables: Tables): VerdictCell {
  const gpu = parseCapability(target.computeCapability ?? ''), torch = facts.torch ?? 'in it';
  const evidence: Evidence[] = [...facts.evidence, { what: 'Compute capability', value: target.computeCapability ?? 'not reported', place: target.name, supports: gpu !== null }];
  if (gpu === null) return cellOf(target, 'unknown', 'the GPU does not tell its compute capability', 'torch.unknown', { detail: `${target.name} does not report its compute capability.` }, evidence);
  if (facts.cpu) return cellOf(target, 'cpu_only', 'an image without CUDA', 'torch.cpu_build', { torch, gpu: target.name, why: 'The tag names no CUDA version.', remedy: facts.instead }, [...evidence, { what: 'CUDA', value: 'none in the tag', place: name, supports: false }]);
  const kernels = facts.serves(target), judged = judgeDriver(facts.cudaMajor, target, driver, tables), need = ownArchitecture(gpu);
  evidence.push({ what: `Kernels for ${need}`, value: kernels.why, place: facts.evidence[0]?.place ?? tablePlace(tables, name), supports: kernels.state === 'native' || kernels.state === 'jit' }, ...judged.evidence);
  const common = { torch, gpu: target.name, cc: target.computeCapability, driver: driver.version, need: judged.need };
  if (judged.state === 'mismatch') return cellOf(target, 'driver_mismatch', 'kernel module and library of the driver differ', 'torch.driver_mismatch', common, evidence);
  if (judged.state === 'none') return cellOf(target, 'driver_too_old', 'no NVIDIA driver answers', 'torch.no_driver', common, evidence);
  if (kernels.state === 'missing') return cellOf(target, 'incompatible', `needs ${need}; ${kernels.why}`, 'torch.arch_missing', { ...common, archs: kernels.archs, need, remedy: facts.instead }, evidence);
  const remedy = driverText({ cudaMajor: facts.cudaMajor ?? 12 }, target, driver, tables);
  if (judged.state === 'gpu_too_new') return cellOf(target, 'gpu_unsupported', `driver ${driver.version ?? ''} does not drive this GPU any more`, 'torch.gpu_driver_too_new', { ...common, remedy }, evidence);
  if (judged.state === 'gpu_too_old') return cellOf(target, 'driver_too_old', `${target.name} needs driver ${judged.need ?? ''} or newer`, 'torch.gpu_driver_too_old', common, evidence);
  if (judged.state === 'too_old') return cellOf(target, 'driver_too_old', `needs driver ${judged.need ?? ''} or newer; ${driver.version ?? ''} is installed`, 'torch.driver_too_old', { ...common, remedy: `${remedy} Data centre GPUs may use the compatibility package inside the image.` }, evidence);
  if (kernels.state === 'unknown') return cellOf(target, 'unknown', kernels.why, 'torch.unknown', { detail: `${name}: ${kernels.why}.` }, evidence);
  return { gpuKey: target.key, verdict: kernels.state, text: kernels.why, evidence, problem: null, forecast: null, repairable: false, gaps: [] };
}

function cellOf(target: GpuTarget, verdict: VerdictWord, text: string, code: ProblemCode, facts: Facts, evidence: readonly Evidence[]): VerdictCell {
  return { gpuKey: target.key, verdict, text, evidence: [...evidence], problem: makeProblem(code, facts), forecast: null, repairable: false, gaps: [] };
}

const tablePlace = (tables: Tables, what: string): string => `images.json, ${what}, ${tables.images._about.asOf}`;

/** Repository and tag; a digest is cut off, a registry's port is not a tag. Null without a tag. */
function splitImage(image: string): { repository: string; tag: string } | null {
  const match = /^([a-z0-9][a-z0-9._:/-]*?):([\w][\w.-]{0,127})(@sha256:[0-9a-f]+)?$/i.exec(image);
  return match?.[1] === undefined || match[2] === undefined || match[2].includes('/') ? null : { repository: match[1].toLowerCase(), tag: match[2] };
}
type Parts = NonNullable<ReturnType<typeof splitImage>>;

/** NVIDIA's own image: by year and month. */
function ngcFacts({ repository, tag }: Parts, tables: Tables): ImageFacts | null {
  const ngc = tables.images.ngcPytorch, release = /^(\d{2}\.\d{2})-py3(-igpu)?$/.exec(tag);
  if (!ngc.repositories.includes(repository) || release?.[1] === undefined) return null;
  const month = release[1], row = ngc.releases[month], cudaMajor = row === undefined ? majorBetween(month, ngc.releases) : Number.parseInt(row.cuda, 10);
  const place = tablePlace(tables, `ngcPytorch ${month}`), first = ngc.firstForBlackwell.release;
  const integrated = release[2] !== undefined;
  return {
    torch: row?.torch ?? null, cudaMajor, cpu: false,
    evidence: [{ what: 'Image', value: `${row === undefined ? 'not recorded' : `torch ${row.torch ?? 'not recorded'}, CUDA ${row.cuda}`}${row === undefined && cudaMajor !== null ? `; by its date CUDA ${cudaMajor}` : ''}`, place, supports: true }],
    notes: ['It replaces no environment of yours: your packages are not in it.', 'Inside it, "pip install torch" replaces NVIDIA’s build and breaks what was built against it.'],
    instead: `Take nvcr.io/nvidia/pytorch:${first}-py3 or newer.`,
    serves: (target) => {
      const gpu = parseCapability(target.computeCapability ?? '');
      if (gpu === null) return { state: 'unknown', why: 'the GPU is not known', archs: '—' };
      if (gpu.major >= 10 && compareVersions(month, first) < 0) return { state: 'missing', why: `${first} is the first tag with kernels for Blackwell`, archs: 'GPUs before Blackwell' };
      if (cudaMajor !== null && cudaMajor >= 13 && compareVersions(target.computeCapability ?? '', '7.5') < 0) return { state: 'missing', why: 'CUDA 13 has nothing below 7.5', archs: '7.5 and newer' };
      if (target.tegra || integrated) return { state: 'unknown', why: integrated ? 'images for integrated GPUs are not on record' : 'which integrated GPUs it has kernels for is not on record', archs: '—' };
      if (gpu.major > 12) return { state: 'unknown', why: 'this GPU is newer than the table', archs: '—' };
      if (gpu.major >= 10) return { state: 'native', why: `has kernels for Blackwell since ${first}`, archs: '—' };
      const middle = ngc.turingToHopper;
      if (compareVersions(target.computeCapability ?? '', '7.5') < 0 || compareVersions(month, middle.from) < 0) return { state: 'unknown', why: 'the list of this tag is not on record', archs: '—' };
      return { state: 'native', why: `${middle.note}${middle.c === 'U' ? ' (not verified)' : ''}`, archs: '—' };
    },
  };
}

/** Between two releases of one CUDA major the ones between have it too. */
function majorBetween(month: string, releases: Readonly<Record<string, ImageRow>>): number | null {
  const known = Object.entries(releases).sort(([a], [b]) => compareVersions(a, b));
  const before = known.filter(([m]) => compareVersions(m, month) < 0).at(-1)?.[1].cuda, after = known.find(([m]) => compareVersions(m, month) > 0)?.[1].cuda;
  const low = before === undefined ? null : Number.parseInt(before, 10), high = after === undefined ? null : Number.parseInt(after, 10);
  return low !== null && (high === low || high === null) ? low : null;
}

/** PyTorch's own image: the tag names release and CUDA; in it is the wheel with that label. */
function dockerFacts({ repository, tag }: Parts, driver: DriverFacts, tables: Tables): ImageFacts | null {
  const docker = tables.images.dockerPytorch;
  if (!docker.repositories.includes(repository)) return null;
  const match = /^(\d+\.\d+(?:\.\d+)?)(?:-cuda(\d+\.\d+)(?:\.\d+)?-cudnn\d+)?-(runtime|devel)$/.exec(tag), version = match?.[1];
  if (match === null || version === undefined) return null;
  const cuda = match[2] ?? null, release = releaseOf(version), label = cuda === null ? null : labelOfCuda(cuda);
  const platform = driver.platform === 'linux_aarch64' ? 'linux_aarch64' : 'linux_x86_64';
  const wheel = label === null ? undefined : listWheels(tables.wheels, platform).find((w: WheelRow) => w.release === release && w.label === label);
  const archs = wheel === undefined ? '—' : listText(wheel.archs);
  return {
    torch: version, cudaMajor: cuda === null ? null : Number.parseInt(cuda, 10), cpu: cuda === null,
    evidence: [{ what: 'Image', value: `torch ${version}${cuda === null ? '' : `, CUDA ${cuda}`}${wheel === undefined ? '' : `: ${archs}`}`, place: wheel?.place ?? tablePlace(tables, 'dockerPytorch'), supports: true }],
    notes: [docker.note], instead: 'Take a tag with cuda12.8 or newer, from 2.7.0 on, for Blackwell; with cuda12.6 for GPUs below 7.5.',
    serves: (target) => {
      if (wheel === undefined) return { state: 'unknown', why: `no build of torch ${release ?? version} for CUDA ${cuda ?? ''} is on record`, archs };
      const served = wheelServes(wheel, target.computeCapability);
      if (served === null) return { state: 'missing', why: `its build has ${archs}`, archs };
      return { state: served, why: served === 'native' ? `its build has kernels for it (${archs})` : 'its build has PTX to compile from', archs };
    },
  };
}

function vllmFacts({ repository, tag }: Parts, tables: Tables): ImageFacts | null {
  const vllm = tables.images.vllm, match = /^v(\d+\.\d+\.\d+)(?:\.post\d+)?(?:-(cu\d{3}))?(?:-(?:x86_64|aarch64))?$/.exec(tag);
  if (!vllm.repositories.includes(repository) || match?.[1] === undefined) return null;
  const version = match[1], label = match[2] === undefined ? null : cudaOfLabel(match[2]);
  const row = vllm.releases.filter((r) => compareVersions(r.from, version) <= 0).at(-1);
  if (row === undefined) return null;
  const cudaMajor = label === null ? row.cudaMajor : Number.parseInt(label, 10);
  return {
    torch: null, cudaMajor, cpu: false, instead: 'Take a newer image of vLLM, or build it for this GPU.',
    evidence: [{ what: 'Image', value: `vLLM ${version}${label === null ? '' : `, CUDA ${label}`}: ${row.note}`, place: tablePlace(tables, `vllm ${row.from}`), supports: true }], notes: [],
    serves: (target) => {
      const gpu = parseCapability(target.computeCapability ?? '');
      if (gpu?.major !== 12) return { state: 'unknown', why: 'its list of architectures is not on record', archs: '—' };
      if (row.c === 'U' || row.blackwell120 === 'regressed') return { state: 'unknown', why: row.note, archs: '—' };
      return row.blackwell120 === 'yes' ? { state: 'native', why: row.note, archs: '—' } : { state: 'missing', why: row.note, archs: 'GPUs before 12.0' };
    },
  };
}
