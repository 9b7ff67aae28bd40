import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../logging/logger.ts';

/** For tests only: a log that nobody reads. */
export const quietLog: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined, child: () => quietLog };

/** A temporary folder with these files; a value `{ target }` is a symbolic link. */
export function makeTree(files: Readonly<Record<string, string | { readonly target: string }>>): { readonly root: string; remove(): void } {
  const root = mkdtempSync(join(tmpdir(), 'warpdeck-tree-'));
  for (const [path, content] of Object.entries(files)) {
    const full = join(root, path);
    mkdirSync(dirname(full), { recursive: true });
    if (typeof content === 'string') writeFileSync(full, content, { mode: content.startsWith('#!') ? 0o755 : 0o644 });
    else symlinkSync(content.target, full);
  }
  return { root, remove: () => rmSync(root, { recursive: true, force: true }) };
}

/** Looks every 10 ms until the condition gives something, else fails after the deadline. */
export async function until<T>(what: string, look: () => T | null | undefined | false, deadlineMs = 20_000): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const found = look();
    if (found !== null && found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`Not in ${deadlineMs} ms: ${what}`);
    await delay(10);
  }
}

const liveLine = (i: number, watts: string): string =>
  `2026/11/21 09:32:32.382, ${i}, GPU-0000000${i + 2}-0000-4000-8000-00000000000${i + 2}, 100, 25, ${watts}, ${watts}, 1485, 3201, 0x0000000000000004, 0x0000000000000004, 1139, 142016, 616, 56, 41, 700.00, 0, 0, 1365, 5, 16, P0, [N/A], 0, 0`;
const liveHeader = (instant: boolean): string =>
  `timestamp, index, uuid, utilization.gpu [%], utilization.memory [%], ${instant ? 'power.draw.instant [W], ' : ''}power.draw [W], clocks.current.sm [MHz], clocks.current.memory [MHz], clocks_event_reasons.active, clocks_event_reasons.active, memory.used [MiB], memory.free [MiB], memory.reserved [MiB], temperature.gpu, temperature.memory, power.limit [W], utilization.encoder [%], utilization.decoder [%], clocks.current.video [MHz], pcie.link.gen.current, pcie.link.width.current, pstate, fan.speed [%], ecc.errors.corrected.volatile.total, ecc.errors.uncorrected.volatile.total`;
const staticLine = (i: number): string =>
  `${i}, GPU-0000000${i + 2}-0000-4000-8000-00000000000${i + 2}, NVIDIA H200, 00000000:00:0${6 + i}.0, 9.0, 580.159.04, 96.00.A5.00.1A, Enabled, Enabled, Disabled, Disabled, 143771, 700.00, 700.00, 200.00, 700.00, 1980, 3201, 5, 16`;

/**
 * For tests only: a program that prints what nvidia-smi printed on a machine with two H200 (driver 580.159.04).
 * FAKE_SMI names the scenario.
 */
export const fakeSmi = `#!/bin/bash
case "$FAKE_SMI" in
  garbage) echo "Segmentation fault in a dream"; exit 0 ;;
  mismatch) echo "Failed to initialize NVML: Driver/library version mismatch"; exit 18 ;;
esac
if [ "$1" = "-L" ]; then echo "GPU 0: NVIDIA H200 (UUID: GPU-00000002-0000-4000-8000-000000000002)"; exit 0; fi
if [[ "$FAKE_SMI" = old && "$*" = *power.draw.instant* ]]; then echo 'Field "power.draw.instant" is not a valid field to query.'; exit 2; fi
if [[ "$*" != *loop-ms* ]]; then
  echo "index, uuid, name, pci.bus_id, compute_cap, driver_version, vbios_version, persistence_mode, ecc.mode.current, mig.mode.current, display_active, memory.total [MiB], power.limit [W], power.default_limit [W], power.min_limit [W], power.max_limit [W], clocks.max.sm [MHz], clocks.max.memory [MHz], pcie.link.gen.max, pcie.link.width.max"
  echo "${staticLine(0)}"; echo "${staticLine(1)}"; exit 0
fi
rows() {
  case "$FAKE_SMI" in
    old) echo "${liveLine(0, 'X').replace('X, X', '688.54')}"; echo "${liveLine(1, 'X').replace('X, X', '77.31')}" ;;
    localised) echo "${liveLine(0, '688,54')}"; echo "${liveLine(1, '77,31')}" ;;
    *) echo "${liveLine(0, '688.54')}"; echo "${liveLine(1, '77.31')}" ;;
  esac
}
if [ "$FAKE_SMI" = hang-once ] && [ ! -e "$FAKE_SMI_STATE" ]; then touch "$FAKE_SMI_STATE"; trap '' TERM; while true; do sleep 0.2; done; fi
if [ "$FAKE_SMI" = old ]; then echo "${liveHeader(false)}"; else echo "${liveHeader(true)}"; fi
while true; do
  rows || exit 1
  if [ "$FAKE_SMI" = garbage-later ]; then for i in 1 2 3 4 5; do echo "what is this"; done; fi
  sleep 0.1 || exit 1
done
`;
