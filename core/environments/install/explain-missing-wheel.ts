import { normaliseName, parseWheelName, type WheelName } from './parse-wheel-name.ts';

/** What a wheel must fit, by PEP 425. */
export interface WheelSurroundings {
  /** `cp311`, `cp313t`; null when not known. */
  readonly abi: string | null;
  /** `3.11.7`. */
  readonly pythonVersion: string | null;
  readonly platform: NodeJS.Platform;
  /** Node's word for the processor: `x64`, `arm64`. */
  readonly arch: string;
  /** `2.36`; null on other systems and with musl. */
  readonly glibc: string | null;
}

const newest = (versions: readonly string[]): string[] => [...new Set(versions)].sort((a, b) => b.localeCompare(a, 'en', { numeric: true })).slice(0, 4);
const list = (values: readonly string[], most = 6): string => (values.length <= most ? values.join(', ') : `${values.slice(0, most).join(', ')} and ${values.length - most} more`);

/**
 * One sentence: which part of the tag (Python, ABI, platform, C library) kept every wheel of a package from fitting,
 * or that the version is not there at all.
 */
export function explainMissingWheel(requirement: string, filenames: readonly string[], around: WheelSurroundings): string {
  const match = /^([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*(?:==\s*([^\s;,]+))?/.exec(requirement);
  const name = match?.[1] ?? requirement;
  const version = match?.[2] ?? null;
  const wheels = filenames.map(parseWheelName).filter((wheel): wheel is WheelName => wheel !== null && wheel.name === normaliseName(name));
  if (wheels.length === 0) return filenames.length === 0 ? `The index has no files of ${name}.` : `The index has ${name} only as source, which would have to be compiled.`;
  const same = version === null ? wheels : wheels.filter((wheel) => sameVersion(wheel.version, version));
  if (same.length === 0) return `There is no ${name} ${version ?? ''} in this index; the newest there are ${list(newest(wheels.map((w) => w.version)))}.`;
  const what = version === null ? name : `${name} ${version}`;
  const forPlatform = same.filter((wheel) => wheel.platforms.some((platform) => fitsPlatform(platform, around)));
  if (forPlatform.length === 0) {
    const platforms = [...new Set(same.flatMap((wheel) => wheel.platforms))];
    const glibc = platforms.map(neededGlibc).filter((need): need is string => need !== null && platforms.some((p) => fitsSystem(p, around) && neededGlibc(p) === need));
    if (glibc.length > 0 && around.glibc !== null) return `${what} needs glibc ${newest(glibc).at(-1) ?? ''} or newer; this system has ${around.glibc}.`;
    return `${what} is built for ${list(platforms)} only; this machine is ${systemName(around)}.`;
  }
  const forPython = forPlatform.filter((wheel) => wheel.pythons.some((python) => fitsPython(python, wheel.abis, around)));
  if (forPython.length === 0) {
    const pythons = newest(forPlatform.flatMap((wheel) => wheel.pythons.map((python, i) => (wheel.abis[i]?.endsWith('t') === true ? (wheel.abis[i] ?? python) : python)))).slice(0, 8);
    return `${what} is built for ${list(pythons, 8)} only; this environment has Python ${around.pythonVersion ?? 'of an unknown version'} (${around.abi ?? 'unknown tag'}).`;
  }
  return `The index has ${what} for this Python and platform, but the resolver did not take it: its metadata may ask for another Python version.`;
}

/** A public version asked for matches every local label (PEP 440). */
const sameVersion = (have: string, wanted: string): boolean => have.toLowerCase() === wanted.toLowerCase() || (!wanted.includes('+') && have.toLowerCase().startsWith(`${wanted.toLowerCase()}+`));

const processor = (around: WheelSurroundings): string => (around.arch === 'x64' ? 'x86_64' : around.arch === 'arm64' ? 'aarch64' : around.arch);
const systemName = (around: WheelSurroundings): string => (around.platform === 'win32' ? `win_${around.arch === 'x64' ? 'amd64' : around.arch}` : `${around.platform}_${processor(around)}`);

/** The system and processor, whatever the C library. */
function fitsSystem(tag: string, around: WheelSurroundings): boolean {
  if (tag === 'any') return true;
  if (around.platform === 'win32') return tag === systemName(around);
  if (around.platform === 'darwin') return tag.startsWith('macosx_');
  return /^(?:linux|manylinux|musllinux)/.test(tag) && tag.endsWith(`_${processor(around)}`) && tag.startsWith('musllinux') === (around.glibc === null);
}

function fitsPlatform(tag: string, around: WheelSurroundings): boolean {
  if (!fitsSystem(tag, around)) return false;
  const need = neededGlibc(tag);
  return need === null || around.glibc === null || around.glibc.localeCompare(need, 'en', { numeric: true }) >= 0;
}

/** PEP 600, and the three older names that it defines. */
function neededGlibc(tag: string): string | null {
  const modern = /^manylinux_(\d+)_(\d+)_/.exec(tag);
  if (modern !== null) return `${modern[1] ?? ''}.${modern[2] ?? ''}`;
  if (tag.startsWith('manylinux2014_')) return '2.17';
  if (tag.startsWith('manylinux2010_')) return '2.12';
  return tag.startsWith('manylinux1_') ? '2.5' : null;
}

function fitsPython(python: string, abis: readonly string[], around: WheelSurroundings): boolean {
  if (around.abi === null || /^py[23]/.test(python)) return true;
  const plain = around.abi.replace(/t$/, '');
  if (abis.includes('abi3')) return !around.abi.endsWith('t') && Number(python.replace(/^cp3/, '')) <= Number(plain.replace(/^cp3/, ''));
  return python === plain && (abis.includes(around.abi) || abis.includes('none'));
}
