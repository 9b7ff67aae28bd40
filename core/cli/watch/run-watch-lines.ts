import type { DeviceSample } from '../../../contract/gpu.ts';
import { JSON_SCHEMA_VERSION, type CommandContext } from '../command.ts';
import { deviceRow, describeSource } from '../device-table.ts';
import { formatClock } from '../format-values.ts';
import { exitCodes, formatProblem, decideExitCode } from '../problem-text.ts';
import { joinSamples, readSettledInventory } from '../read-devices.ts';

/** A device that reports no slower tier within this time has none. */
const TIERS_LIMIT_MS = 3000;

/** `gpus --watch` where no terminal is: a line per device and reading, or with --json an object per reading. */
export async function runWatchLines(context: CommandContext, intervalMs: number): Promise<number> {
  const { out, signal, json } = context;
  const engine = await context.attach();
  try {
    const inventory = await readSettledInventory(engine.client, signal);
    if (json) await out.jsonLine({ schemaVersion: JSON_SCHEMA_VERSION, inventory });
    else await out.line(describeSource(inventory));
    if (inventory.devices.length === 0 && inventory.problem) {
      if (!json) for (const line of formatProblem(inventory.problem)) out.error(line);
      return inventory.problem.severity === 'problem' ? decideExitCode(inventory.problem) : exitCodes.fine;
    }
    const samples = new Map<string, DeviceSample>();
    const startedMs = Date.now();
    for await (const item of await engine.client.gpus.watch({ rateHz: Math.min(10, Math.max(0.1, 1000 / intervalMs)) }, { signal })) {
      if (json) {
        await out.jsonLine(item);
        continue;
      }
      if (item.type === 'gap') {
        out.note(`Readings are missing from ${formatClock(item.atMs)}: ${item.reason}`);
        continue;
      }
      for (const sample of item.frame.samples) samples.set(sample.uuid, joinSamples(samples.get(sample.uuid), sample));
      for (const device of inventory.devices) {
        const sample = samples.get(device.uuid) ?? null;
        // The slower tiers come a moment later; a dash would say that they are not reported.
        if ((sample === null || (sample.state === 'ok' && sample.medium === undefined)) && Date.now() - startedMs < TIERS_LIMIT_MS) continue;
        const row = deviceRow({ device, sample, atMs: item.frame.atMs });
        await out.line(`${formatClock(item.frame.atMs)}  ${row.join('  ')}`);
      }
    }
    return exitCodes.fine;
  } finally {
    engine.close();
  }
}
