import { usageError } from './parse-command-line.ts';

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/**
 * A point in time, Unix ms: "now", relative as "-90s", "-5m", "-1h", "-2d", "-1w", or ISO 8601
 * ("2026-03-01", "2026-03-01T14:00", with a zone or in local time). @throws ProblemError `usage.unknown`
 */
export function parseTime(text: string, nowMs: number, flag: string): number {
  const trimmed = text.trim();
  if (trimmed === 'now') return nowMs;
  const relative = /^-(\d+(?:\.\d+)?)\s*([smhdw])$/.exec(trimmed);
  if (relative) return nowMs - Number(relative[1]) * (unitMs[relative[2] ?? ''] ?? 0);
  const iso = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:?\d{2})?)?$/.exec(trimmed);
  if (iso) {
    // A date alone would be read as UTC by Date; people mean their own midnight.
    const at = Date.parse(`${iso[1] ?? ''}T${iso[2] ?? '00:00'}${iso[3] ?? ''}`);
    if (!Number.isNaN(at)) return at;
  }
  throw usageError(`${flag} is a time as "-1h", "2026-03-01" or "2026-03-01T14:00", not "${text}".`);
}
