import type { GpuProcess } from '../../contract/gpu.ts';
import { cleanText } from './display-width.ts';
import { NOT_REPORTED } from './format-values.ts';

/** A process's command; where it cannot be known, why, in words. */
export function describeProcess(process: GpuProcess): string {
  if (process.command !== null && process.command !== '') return cleanText(process.command);
  if (process.identity === 'host') return '(a process of the host, not seen in this container)';
  if (process.identity === 'gone') return '(ended)';
  return process.executable === null ? NOT_REPORTED : cleanText(process.executable);
}
