import { backendKind, type BackendsState } from '../../../contract/inference.ts';
import { ProblemError } from '../../../contract/problem.ts';
import type { EngineClient } from '../../engine/connect.ts';
import { JSON_SCHEMA_VERSION, type CommandContext } from '../command.ts';
import { cleanText } from '../display-width.ts';
import { followJob } from '../follow-job.ts';
import { formatDuration, formatPercent } from '../format-values.ts';
import { renderBackends } from '../model-text.ts';
import { findNearMatch } from '../near-match.ts';
import { usageError } from '../parse-command-line.ts';
import { exitCodes } from '../problem-text.ts';
import { renderProblems } from '../verdict-table.ts';

const verbs = ['ls', 'try', 'build', 'fetch'] as const;

/** @throws ProblemError `usage.unknown` */
export function parseEngineWords(words: readonly string[]): (typeof verbs)[number] {
  const [first = 'ls'] = words;
  const verb = verbs.find((v) => v === first);
  if (verb) return verb;
  const near = findNearMatch(first, verbs);
  throw usageError(`"engine" knows ${verbs.join(', ')}, not "${first}".${near === null ? '' : ` Did you mean "${near}"?`}`);
}

/** The builds once all trials that run have ended. */
async function readBackends(client: EngineClient, context: CommandContext): Promise<BackendsState> {
  let last = await client.inference.backends({}, { signal: context.signal });
  if (!last.looking) return last;
  for await (const state of await client.inference.watchBackends({}, { signal: context.signal })) {
    last = state;
    const running = state.backends.find((b) => b.trial.state === 'running');
    context.out.progress(running ? `Trying ${running.id} …` : 'Looking at the builds …');
    if (!state.looking) break;
  }
  context.out.endProgress();
  return last;
}

export async function runEngine(context: CommandContext): Promise<number> {
  const { out, signal } = context;
  const verb = parseEngineWords(context.positionals);
  const engine = await context.attach({ anyGpus: context.gpus === null });
  const { client } = engine;
  try {
    if (verb === 'build' || verb === 'fetch') {
      const kind = backendKind.parse(context.flags.text('backend') ?? 'cuda');
      const started = verb === 'build' ? await client.inference.build({ kind }, { signal }) : await client.inference.fetchRuntime({}, { signal });
      const job = await followJob(client, started, signal, (now) => { out.progress(`${cleanText(now.doing ?? now.title)}: ${formatPercent(now.progress === null ? null : now.progress * 100)}${now.secondsLeft === null ? '' : `, ${formatDuration(now.secondsLeft)} left`}`); });
      out.endProgress();
      if (signal.aborted) await client.jobs.cancel({ id: job.id });
      if (job.problem !== null) throw new ProblemError(job.problem);
    }
    if (verb === 'try') await client.inference.tryBackends({}, { signal });
    const state = await readBackends(client, context);
    if (context.json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, ...state });
    else {
      for (const line of renderBackends(state, out.columns)) await out.line(line);
      for (const line of renderProblems(state.problems)) out.error(line);
    }
    return state.backends.some((b) => b.chosen) ? exitCodes.fine : exitCodes.findings;
  } finally {
    engine.close();
  }
}
