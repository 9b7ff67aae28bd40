export interface WheelName {
  /** Normalised: `nvidia-cudnn-cu13`. */
  readonly name: string;
  readonly version: string;
  readonly pythons: readonly string[];
  readonly abis: readonly string[];
  readonly platforms: readonly string[];
}

/** Names compare without case and with every run of `-`, `_`, `.` as one dash (PEP 503). */
export const normaliseName = (name: string): string => name.toLowerCase().replaceAll(/[-_.]+/g, '-');

/** The parts of a wheel's file name (PEP 427); null for what is none. */
export function parseWheelName(filename: string): WheelName | null {
  if (!filename.endsWith('.whl') || filename.length > 400) return null;
  const parts = filename.slice(0, -4).split('-');
  if (parts.length !== 5 && parts.length !== 6) return null;
  const [pythons, abis, platforms] = parts.slice(-3).map((part) => part.split('.'));
  const [name, version] = parts;
  if (pythons === undefined || abis === undefined || platforms === undefined || name === undefined || version === undefined) return null;
  return { name: normaliseName(name), version, pythons, abis, platforms };
}
