import { basename } from 'node:path';

/** The Python that a kernel.json starts; null when it starts something else, or is none. */
export function parseKernel(text: string): string | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || !('argv' in value) || !Array.isArray(value.argv)) return null;
  const [program] = value.argv as unknown[];
  if (typeof program !== 'string' || program.includes('\0')) return null;
  return /^(?:python|pypy)/i.test(basename(program.replaceAll('\\', '/'))) ? program : null;
}
