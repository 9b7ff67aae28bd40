import { createHash } from 'node:crypto';
import { writeZip } from './write-zip.ts';

export interface WheelDescription {
  readonly name: string;
  /** Public version. */
  readonly version: string;
  /** Local label: `cu130`. */
  readonly label?: string;
  /** Path in site-packages → content. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** `Requires-Dist` lines. */
  readonly requires?: readonly string[];
  readonly requiresPython?: string;
  /** `cp311-cp311-linux_x86_64`; `py3-none-any` if not given. */
  readonly tag?: string;
  /** Written as given, besides RECORD: names that no honest wheel has. */
  readonly hostileNames?: readonly string[];
}

export interface BuiltWheel {
  readonly name: string;
  readonly version: string;
  readonly filename: string;
  readonly bytes: Buffer;
  readonly sha256: string;
  readonly metadata: Buffer;
  readonly requiresPython: string | null;
}

const recordHash = (data: Uint8Array): string => `sha256=${createHash('sha256').update(data).digest('base64url')}`;

/** A real, valid wheel: METADATA, WHEEL and RECORD with hashes, the same bytes for the same description. */
export function buildWheel(wheel: WheelDescription): BuiltWheel {
  const version = wheel.label === undefined ? wheel.version : `${wheel.version}+${wheel.label}`;
  const tag = wheel.tag ?? 'py3-none-any';
  const stem = `${wheel.name.replaceAll('-', '_')}-${version}`;
  const info = `${stem}.dist-info`;
  const metadata = Buffer.from([
    'Metadata-Version: 2.1', `Name: ${wheel.name}`, `Version: ${version}`,
    ...(wheel.requiresPython === undefined ? [] : [`Requires-Python: ${wheel.requiresPython}`]),
    ...(wheel.requires ?? []).map((r) => `Requires-Dist: ${r}`), '', '',
  ].join('\n'));
  const files = new Map<string, Buffer>(Object.entries(wheel.files).map(([path, data]) => [path, Buffer.from(data)]));
  for (const name of wheel.hostileNames ?? []) files.set(name, Buffer.from('written where nothing may be written\n'));
  files.set(`${info}/METADATA`, metadata);
  files.set(`${info}/WHEEL`, Buffer.from(`Wheel-Version: 1.0\nGenerator: warpdeck-tests\nRoot-Is-Purelib: ${String(tag.endsWith('-any'))}\nTag: ${tag}\n`));
  const record = [...[...files].map(([path, data]) => `${path},${recordHash(data)},${data.length}`), `${info}/RECORD,,`, ''].join('\n');
  files.set(`${info}/RECORD`, Buffer.from(record));
  const bytes = writeZip([...files].map(([name, data]) => ({ name, data })));
  return { name: wheel.name, version, filename: `${stem}-${tag}.whl`, bytes, sha256: createHash('sha256').update(bytes).digest('hex'), metadata, requiresPython: wheel.requiresPython ?? null };
}
