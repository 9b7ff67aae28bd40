import { JSON_SCHEMA_VERSION, type CommandContext } from '../command.ts';
import { exitCodes } from '../problem-text.ts';
import { openResultFile } from '../result-file.ts';

export async function runReport(context: CommandContext): Promise<number> {
  const { out, signal } = context;
  const path = context.flags.text('output');
  const engine = await context.attach({ whenGpusDiffer: 'problem' });
  try {
    const report = await engine.client.engine.report({}, { signal });
    if (path !== null && path !== '-') {
      const file = await openResultFile(path);
      await file.write(report.text);
      await file.finish();
      if (context.json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, fileName: report.fileName, path: file.path });
      else out.note(`Written to ${file.path}. Look through it before you send it.`);
    } else if (context.json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, fileName: report.fileName, text: report.text });
    else await out.write(report.text.endsWith('\n') ? report.text : `${report.text}\n`);
    return exitCodes.fine;
  } finally {
    engine.close();
  }
}
