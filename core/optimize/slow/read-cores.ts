import { cpus } from 'node:os';

/** Working and all time of each logical core since the start of the machine, ms. */
export function readCores(): { readonly busyMs: number; readonly totalMs: number }[] {
  return cpus().map(({ times }) => {
    const busyMs = times.user + times.nice + times.sys + times.irq;
    return { busyMs, totalMs: busyMs + times.idle };
  });
}
