import { JSON_SCHEMA_VERSION, type CommandContext } from '../command.ts';
import { numberFlag } from '../parse-command-line.ts';
import { exitCodes } from '../problem-text.ts';
import { renderTune } from '../optimize-text.ts';
import { endWithoutResult, finishJob } from '../finish-job.ts';

/** Finds the fastest engine settings for a model by measuring. Exit 1 when nothing faster was found. */
export async function runTune(context: CommandContext): Promise<number> {
  const { out, flags } = context;
  const goal = (['decode', 'prompt', 'parallel'] as const).find((one) => one === (flags.text('goal') ?? 'decode')) ?? 'decode';
  const budgetSeconds = numberFlag(flags, 'budget', { min: 20, max: 14_400, unit: 's' }) ?? 600;
  const contextTokens = numberFlag(flags, 'ctx-size', { min: 512, max: 1_000_000, unit: '', whole: true });
  const engine = await context.attach({ anyGpus: context.gpus === null });
  const { client } = engine;
  try {
    const before = new Set((await client.optimize.tuneResults({})).map((one) => one.id));
    const started = await client.optimize.tune({
      modelId: context.positionals[0] ?? '', place: flags.text('place'), goal, budgetSeconds,
      allowAnswerChanging: flags.on('allow-answer-changing'), contextTokens, save: !flags.on('no-save'),
    });
    const job = await finishJob(client, started, context);
    const result = (await client.optimize.tuneResults({})).find((one) => !before.has(one.id));
    if (result === undefined) return await endWithoutResult(job, context);
    if (context.json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, result });
    else for (const line of renderTune(result, out.columns)) await out.line(line);
    return result.problem === null && job.state === 'done' ? exitCodes.fine : exitCodes.findings;
  } finally {
    engine.close();
  }
}
