import type { GpuProcess, Inventory } from '../../../contract/gpu.ts';
import { JSON_SCHEMA_VERSION, type CommandContext } from '../command.ts';
import { describeProcess } from '../describe-process.ts';
import { cleanText } from '../display-width.ts';
import { formatDuration, formatGib, formatPercent, NOT_REPORTED } from '../format-values.ts';
import { decideExitCode, exitCodes, formatProblem } from '../problem-text.ts';
import { readSettledInventory } from '../read-devices.ts';
import { renderTable, type TableColumn } from '../text-table.ts';
import { describeSource } from '../device-table.ts';

const columns: readonly TableColumn[] = [
  { title: 'GPU', align: 'right' },
  { title: 'PID', align: 'right' },
  { title: 'USER', dropOrder: 2, shrinkTo: 8 },
  { title: 'COMMAND', shrinkTo: 20 },
  { title: 'ENVIRONMENT', dropOrder: 3, shrinkTo: 12 },
  { title: 'TORCH', dropOrder: 4 },
  { title: 'MEMORY', align: 'right' },
  { title: 'SM', align: 'right' },
  { title: 'RUNNING', align: 'right', dropOrder: 1 },
];
const orDash = (text: string | null): string => (text === null || text === '' ? NOT_REPORTED : cleanText(text));

export function processRow(process: GpuProcess, inventory: Inventory, nowMs: number): readonly string[] {
  const device = inventory.devices.find((d) => d.uuid === process.gpuUuid);
  return [
    device ? String(device.index) : NOT_REPORTED, String(process.pid), orDash(process.user), describeProcess(process), orDash(process.environment), orDash(process.torchVerdict),
    formatGib(process.memUsedBytes), formatPercent(process.utilSmPercent), process.startedAtMs === null ? NOT_REPORTED : formatDuration((nowMs - process.startedAtMs) / 1000),
  ];
}

export async function runPs(context: CommandContext): Promise<number> {
  if (context.flags.on('models')) return (await import('./load.ts')).runPsModels(context);
  const { out, signal } = context;
  const engine = await context.attach();
  try {
    const inventory = await readSettledInventory(engine.client, signal);
    const reading = await engine.client.gpus.processes({}, { signal });
    const byMemory = [...reading.processes].sort((a, b) => (b.memUsedBytes ?? -1) - (a.memUsedBytes ?? -1));
    if (context.json) {
      const index = new Map(inventory.devices.map((d) => [d.uuid, d.index]));
      await out.json({ schemaVersion: JSON_SCHEMA_VERSION, atMs: reading.atMs, source: inventory.source, simulated: inventory.simulated, problem: inventory.problem, notReported: reading.notReported, processes: byMemory.map((p) => ({ gpuIndex: index.get(p.gpuUuid) ?? null, ...p })) });
    } else {
      if (byMemory.length > 0) for (const line of renderTable(columns, byMemory.map((p) => processRow(p, inventory, reading.atMs)), out.columns)) await out.line(line);
      else if (inventory.problem === null || inventory.devices.length > 0) await out.line('No process is on a GPU.');
      await out.line('');
      await out.line(describeSource(inventory));
      if (inventory.problem) for (const line of formatProblem(inventory.problem)) out.error(line);
    }
    return inventory.problem !== null && inventory.problem.severity === 'problem' ? decideExitCode(inventory.problem) : exitCodes.fine;
  } finally {
    engine.close();
  }
}
