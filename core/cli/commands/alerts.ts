import type { Alert } from '../../../contract/alerts.ts';
import { JSON_SCHEMA_VERSION, type CommandContext } from '../command.ts';
import { cleanText } from '../display-width.ts';
import { formatDateTime, formatDuration, NOT_REPORTED, shortDeviceName } from '../format-values.ts';
import { parseTime } from '../parse-time.ts';
import { exitCodes } from '../problem-text.ts';
import { renderTable, type TableColumn } from '../text-table.ts';

const columns: readonly TableColumn[] = [
  { title: '' }, { title: 'SINCE' }, { title: 'LASTED', align: 'right', dropOrder: 2 }, { title: 'GPU', dropOrder: 1, shrinkTo: 10 }, { title: 'ALERT', shrinkTo: 24 }, { title: 'VALUE', dropOrder: 3 },
];

export function renderAlerts(open: readonly Alert[], over: readonly Alert[], nowMs: number, room: number | null): readonly string[] {
  if (open.length + over.length === 0) return ['No alerts.'];
  const row = (alert: Alert): readonly string[] => [
    alert.endedMs !== null ? '·' : alert.severity === 'problem' ? '✕' : '▲', formatDateTime(alert.sinceMs), formatDuration(((alert.endedMs ?? nowMs) - alert.sinceMs) / 1000),
    alert.deviceName === null ? NOT_REPORTED : cleanText(shortDeviceName(alert.deviceName)), cleanText(alert.title), alert.value === null ? '' : cleanText(alert.value),
  ];
  return [...renderTable(columns, [...open, ...over].map(row), room), ...open.flatMap((alert) => ['', cleanText(alert.title), `  ${cleanText(alert.text)}`])];
}

export async function runAlerts(context: CommandContext): Promise<number> {
  const { out, signal } = context;
  const nowMs = Date.now();
  const sinceMs = parseTime(context.flags.text('since') ?? '-1d', nowMs, '--since');
  const engine = await context.attach({ whenGpusDiffer: 'problem' });
  try {
    const { open, over } = await engine.client.alerts.list({ sinceMs }, { signal });
    if (context.json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, open, over });
    else for (const line of renderAlerts(open, over, nowMs, out.columns)) await out.line(line);
    return open.length > 0 ? exitCodes.findings : exitCodes.fine;
  } finally {
    engine.close();
  }
}
