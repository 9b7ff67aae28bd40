import { JSON_SCHEMA_VERSION, type CommandContext } from '../command.ts';
import { parseTime } from '../parse-time.ts';
import { usageError } from '../parse-command-line.ts';
import { exitCodes } from '../problem-text.ts';
import { openResultFile } from '../result-file.ts';

export async function runExport(context: CommandContext): Promise<number> {
  const { out, signal, flags } = context;
  const nowMs = Date.now();
  const fromMs = parseTime(flags.text('from') ?? '-1h', nowMs, '--from');
  const toMs = parseTime(flags.text('to') ?? 'now', nowMs, '--to');
  if (fromMs >= toMs) throw usageError('--from is not before --to.');
  const format = flags.text('format') === 'jsonl' || (flags.text('format') === null && context.json) ? 'jsonl' : 'csv';
  const path = flags.text('output');
  const engine = await context.attach({ whenGpusDiffer: 'problem' });
  try {
    const file = path === null || path === '-' ? null : await openResultFile(path);
    let bytes = 0;
    try {
      for await (const { text } of await engine.client.history.export({ fromMs, toMs, format }, { signal })) {
        bytes += Buffer.byteLength(text);
        await (file ? file.write(text) : out.write(text));
      }
      await file?.finish();
    } catch (error) {
      await file?.discard();
      throw error;
    }
    if (file && context.json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, path: file.path, format, fromMs, toMs, bytes });
    else if (file) out.note(`Written to ${file.path}.`);
    return exitCodes.fine;
  } finally {
    engine.close();
  }
}
