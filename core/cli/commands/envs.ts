import { rowOfReport } from '../../../contract/verdict.ts';
import { JSON_SCHEMA_VERSION, type CommandContext } from '../command.ts';
import { exitCodes } from '../problem-text.ts';
import { renderProblems, renderVerdicts } from '../verdict-table.ts';

/** Every Python environment, with what it has of torch. No verdict is asked for, so nothing is a finding. */
export async function runEnvs(context: CommandContext): Promise<number> {
  const { out, signal } = context;
  const engine = await context.attach({ anyGpus: context.gpus === null });
  try {
    out.progress('Looking for Python environments …');
    const judged = await engine.client.environments.judge({}, { signal });
    out.endProgress();
    if (context.json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, targets: judged.targets, driver: judged.driver, environments: judged.reports.map(rowOfReport), problems: judged.problems });
    else {
      for (const line of renderVerdicts(judged.reports, judged.targets, { room: out.columns, home: context.env['HOME'] })) await out.line(line);
      if (!context.quiet) for (const line of renderProblems(judged.problems)) out.error(line);
    }
    return exitCodes.fine;
  } finally {
    engine.close();
  }
}
