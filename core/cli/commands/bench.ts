import type { EngineClient } from '../../engine/connect.ts';
import { renderBenchmarks, renderCanary, renderComparison, renderHistory, renderRun } from '../bench-text.ts';
import { JSON_SCHEMA_VERSION, type CommandContext } from '../command.ts';
import { cleanText } from '../display-width.ts';
import { endWithoutResult, finishJob } from '../finish-job.ts';
import { findNearMatch } from '../near-match.ts';
import { readImport } from '../read-import.ts';
import { numberFlag, usageError } from '../parse-command-line.ts';
import { exitCodes } from '../problem-text.ts';
import { openResultFile } from '../result-file.ts';
import { renderProblems } from '../verdict-table.ts';

const verbs = ['ls', 'run', 'show', 'compare', 'history', 'export', 'import', 'rm', 'canary'] as const;
type BenchVerb = (typeof verbs)[number];
const takes: Readonly<Record<BenchVerb, readonly string[]>> = { ls: [], run: ['NAME'], show: ['RUN'], compare: ['A', 'B'], history: [], export: ['RUN'], import: ['FILE'], rm: ['RUN'], canary: [] };

/** @throws ProblemError `usage.unknown` */
export function parseBenchWords(words: readonly string[]): { readonly verb: BenchVerb; readonly names: readonly string[] } {
  const [first = 'ls', ...names] = words;
  const verb = verbs.find((one) => one === first);
  if (verb === undefined) {
    const near = findNearMatch(first, verbs);
    throw usageError(`"bench" knows ${verbs.join(', ')}, not "${first}".${near === null ? '' : ` Did you mean "${near}"?`}`);
  }
  if (names.length !== takes[verb].length) throw usageError(takes[verb].length === 0 ? `"bench ${verb}" takes no name.` : `"bench ${verb}" needs ${takes[verb].join(' and ')}: warpdeck bench ${verb} ${takes[verb].join(' ')}.`);
  return { verb, names };
}

async function runOne(client: EngineClient, name: string, caseSeconds: number | null, context: CommandContext): Promise<number> {
  const { out, flags } = context;
  const started = await client.benchmarks.run({
    name, cases: flags.all('case').length === 0 ? null : [...flags.all('case')], place: flags.text('place'), environmentId: await readEnvironmentId(client, context), modelId: flags.text('model'), caseSeconds,
  });
  const job = await finishJob(client, started, context);
  const id = typeof job.result?.['run'] === 'string' ? job.result['run'] : null;
  const run = id === null ? null : await client.benchmarks.get({ id });
  if (run === null) return endWithoutResult(job, context);
  if (context.json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, run });
  else for (const line of renderRun(run, out.columns)) await out.line(line);
  return run.state === 'done' && run.results.every((one) => one.problem === null) ? exitCodes.fine : exitCodes.findings;
}

/** `--env` as an id, a folder or a name. @throws ProblemError `env.not_found` */
export async function readEnvironmentId(client: EngineClient, context: CommandContext): Promise<string | null> {
  const word = context.flags.text('env');
  if (word === null) return null;
  const { findEnvironment } = await import('../find-environment.ts');
  return (await findEnvironment(client, word, { for: [], driver: null }, context.signal)).environment.id;
}

async function exportRun(client: EngineClient, id: string, context: CommandContext): Promise<number> {
  const { out, flags } = context;
  const format = (['jsonl', 'markdown', 'csv', 'svg'] as const).find((one) => one === (flags.text('format') ?? 'markdown')) ?? 'markdown';
  const { text, fileName } = await client.benchmarks.export({ id, format });
  const path = flags.text('output');
  if (path === null) {
    if (context.json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, format, fileName, text });
    else await out.write(text.endsWith('\n') ? text : `${text}\n`);
    return exitCodes.fine;
  }
  const file = await openResultFile(path);
  await file.write(text);
  await file.finish();
  if (context.json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, format, path: file.path });
  else out.note(`Written to ${file.path}.`);
  return exitCodes.fine;
}

export async function runBench(context: CommandContext): Promise<number> {
  const { out, signal, flags } = context;
  const { verb, names } = parseBenchWords(context.positionals);
  const [first = '', second = ''] = names;
  const text = verb === 'import' ? await readImport(first) : '';
  const seconds = numberFlag(flags, 'seconds', { min: 0.5, max: 600, unit: 's' });
  const engine = await context.attach({ anyGpus: context.gpus === null });
  const { client } = engine;
  try {
    if (verb === 'run') return await runOne(client, first, seconds, context);
    if (verb === 'export') return await exportRun(client, first, context);
    if (verb === 'ls') {
      const list = await client.benchmarks.list({}, { signal });
      // The first search for environments may take some seconds.
      out.progress('Looking for what each of them needs');
      const outlook = await client.benchmarks.outlook({}, { signal });
      out.endProgress();
      await print(context, { benchmarks: list, outlook }, renderBenchmarks(list, outlook, out.columns));
    } else if (verb === 'history') {
      const runs = await client.benchmarks.history({ name: flags.text('name'), place: flags.text('place') }, { signal });
      await print(context, { runs }, renderHistory(runs, out.columns));
    } else if (verb === 'show') {
      const run = await client.benchmarks.get({ id: first }, { signal });
      await print(context, { run }, renderRun(run, out.columns));
    } else if (verb === 'compare') {
      const comparison = await client.benchmarks.compare({ a: first, b: second }, { signal });
      await print(context, { comparison }, renderComparison(comparison, out.columns));
      return comparison.rows.some((one) => one.word === 'slower') ? exitCodes.findings : exitCodes.fine;
    } else if (verb === 'import') {
      const runs = await client.benchmarks.import({ text }, { signal });
      await print(context, { runs }, renderHistory(runs, out.columns));
    } else if (verb === 'rm') {
      await client.benchmarks.remove({ id: first }, { signal });
      await print(context, { removed: first }, [`Run ${cleanText(first)} is forgotten.`]);
    } else {
      if (!flags.on('last')) {
        const job = await finishJob(client, await client.benchmarks.runCanary({ place: flags.text('place') }, { signal }), context);
        if (job.state !== 'done') return await endWithoutResult(job, context);
      }
      const state = await client.benchmarks.canary({}, { signal });
      await print(context, { canary: state }, renderCanary(state, out.columns));
      if (state.problem !== null && !context.json) for (const line of renderProblems([state.problem])) out.error(line);
      return state.state === 'alarm' || state.state === 'failed' ? exitCodes.findings : exitCodes.fine;
    }
    return exitCodes.fine;
  } finally {
    engine.close();
  }
}

async function print(context: CommandContext, value: object, lines: readonly string[]): Promise<void> {
  if (context.json) await context.out.json({ schemaVersion: JSON_SCHEMA_VERSION, ...value });
  else for (const line of lines) await context.out.line(line);
}
