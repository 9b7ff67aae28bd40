import { metricKeys } from '../../../contract/metrics.ts';
import { makeCsvCell } from '../../system/make-csv.ts';
import { BLOCK_SLOTS } from './block-codec.ts';
import { blockMs, MINUTES, SECONDS, slotMs, type BlockTier } from './block-buffer.ts';
import { forEachSample, type BlockSource } from './read-series.ts';
import type { ExportPiece, ExportRequest } from './storage-messages.ts';

export const EXPORT_VERSION = 1;
type Format = ExportRequest['format'];

/** First line of an export: names of the columns, or for JSON lines what this is. */
export function exportHeader(format: Format): string {
  if (format === 'csv') return `time,at_ms,uuid,name,resolution,${metricKeys.join(',')}\n`;
  return `${JSON.stringify({ schemaVersion: EXPORT_VERSION, kind: 'warpdeck-history', metrics: metricKeys })}\n`;
}

/** Seven digits are more than any sensor has; whole numbers (bytes, joules, bits) are written whole. */
export function formatNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(Math.abs(value) >= 1e6 ? 12 : 7)));
}

export interface ExportRow {
  readonly atMs: number;
  readonly uuid: string;
  readonly name: string;
  readonly resolution: string;
  /** NaN is null; in the order of contract/metrics.ts. */
  readonly values: readonly number[];
}

export function exportLine(format: Format, row: ExportRow): string {
  if (format === 'csv') {
    const numbers = row.values.map((v) => (Number.isNaN(v) ? '' : formatNumber(v)));
    return `${[new Date(row.atMs).toISOString(), row.atMs, makeCsvCell(row.uuid), makeCsvCell(row.name), row.resolution, ...numbers].join(',')}\n`;
  }
  const values = Object.fromEntries(metricKeys.map((key, i) => [key, Number.isNaN(row.values[i]) ? null : Number(formatNumber(row.values[i] ?? NaN))]));
  return `${JSON.stringify({ atMs: row.atMs, uuid: row.uuid, name: row.name, resolution: row.resolution, ...values })}\n`;
}

/** Samples in one piece at most, so that a piece is about 100 KB and takes some milliseconds. */
const PIECE_SAMPLES = 600;

/** The piece that begins at `fromMs`: seconds where they are kept, minutes before. Stretches without anything are skipped. */
export function exportPiece(source: BlockSource, names: ReadonlyMap<string, string>, request: ExportRequest): ExportPiece {
  const uuids = source.uuids();
  const firstOf = (tier: BlockTier, fromMs: number): number => {
    const starts = uuids.flatMap((uuid) => source.firstStart(tier, uuid, Math.floor(fromMs / blockMs[tier]) * blockMs[tier]) ?? []);
    return Math.min(Infinity, ...starts);
  };
  const secondsFrom = firstOf(SECONDS, request.fromMs);
  const minutesFrom = Math.max(request.fromMs, firstOf(MINUTES, request.fromMs));
  const tier: BlockTier = minutesFrom < secondsFrom && request.fromMs < secondsFrom ? MINUTES : SECONDS;
  const startMs = tier === MINUTES ? minutesFrom : Math.max(request.fromMs, secondsFrom);
  if (startMs > request.toMs || uuids.length === 0) return { text: '', nextMs: null };

  const blocks = Math.max(1, Math.floor(PIECE_SAMPLES / BLOCK_SLOTS / uuids.length));
  const wholeEnd = (Math.floor(startMs / blockMs[tier]) + blocks) * blockMs[tier];
  const endMs = Math.min(wholeEnd, request.toMs + 1, tier === MINUTES ? secondsFrom : Infinity);
  const rows: ExportRow[] = [];
  for (const uuid of uuids) {
    forEachSample(source, tier, uuid, startMs, endMs, (atMs, values, slot) => {
      rows.push({ atMs, uuid, name: names.get(uuid) ?? '', resolution: slotMs[tier] === 1000 ? 'second' : 'minute', values: metricKeys.map((_, m) => values[m * BLOCK_SLOTS + slot] ?? NaN) });
    });
  }
  rows.sort((a, b) => a.atMs - b.atMs);
  return { text: rows.map((row) => exportLine(request.format, row)).join(''), nextMs: endMs > request.toMs ? null : endMs };
}
