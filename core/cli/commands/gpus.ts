import { JSON_SCHEMA_VERSION, type CommandContext } from '../command.ts';
import { renderDevices } from '../device-table.ts';
import { numberFlag } from '../parse-command-line.ts';
import { decideExitCode, exitCodes, formatProblem } from '../problem-text.ts';
import { readDevices } from '../read-devices.ts';

async function runOnce(context: CommandContext): Promise<number> {
  const { out, signal } = context;
  const engine = await context.attach();
  try {
    const { inventory, readings } = await readDevices(engine.client, signal, { slow: context.json });
    const { devices: _, ...rest } = inventory;
    if (context.json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, ...rest, devices: readings.map((r) => ({ ...r.device, sample: r.sample, atMs: r.atMs })) });
    else {
      for (const line of renderDevices(inventory, readings, out.columns)) await out.line(line);
      if (inventory.problem) for (const line of formatProblem(inventory.problem)) out.error(line);
    }
    // Trouble with the driver is this command's answer only where it hides the devices.
    return inventory.problem !== null && inventory.problem.severity === 'problem' ? decideExitCode(inventory.problem) : exitCodes.fine;
  } finally {
    engine.close();
  }
}

export async function runGpus(context: CommandContext): Promise<number> {
  const intervalMs = numberFlag(context.flags, 'interval', { min: 100, max: 60_000, unit: 'ms' }) ?? 1000;
  if (!context.flags.on('watch')) return runOnce(context);
  if (context.json || !context.out.stdoutIsTerminal || !process.stdin.isTTY) {
    const { runWatchLines } = await import('../watch/run-watch-lines.ts');
    return runWatchLines(context, intervalMs);
  }
  const { runWatch } = await import('../watch/run-watch.ts');
  return runWatch(context, intervalMs);
}
