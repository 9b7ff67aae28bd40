import { createInterface } from 'node:readline/promises';
import type { ModelSubject, OfferedModel } from '../../../contract/models.ts';
import { ProblemError } from '../../../contract/problem.ts';
import type { EngineClient } from '../../engine/connect.ts';
import { JSON_SCHEMA_VERSION, type CommandContext } from '../command.ts';
import { cleanText } from '../display-width.ts';
import { readEngineFlags } from '../engine-flags.ts';
import { followJob } from '../follow-job.ts';
import { formatFileSize, formatPercent } from '../format-values.ts';
import { getModel, parseDownloadWish } from '../get-model.ts';
import { renderModel, renderModels, renderOffered, renderOutlook } from '../model-text.ts';
import { findNearMatch } from '../near-match.ts';
import { usageError } from '../parse-command-line.ts';
import { exitCodes } from '../problem-text.ts';
import { renderProblems } from '../verdict-table.ts';

const verbs = ['ls', 'get', 'rm', 'inspect', 'estimate', 'measure', 'verify'] as const;
type ModelVerb = (typeof verbs)[number];

/** @throws ProblemError `usage.unknown` */
export function parseModelWords(words: readonly string[]): { readonly verb: ModelVerb; readonly name: string | null } {
  const [first = 'ls', name = null] = words;
  const verb = verbs.find((v) => v === first);
  if (!verb) {
    const near = findNearMatch(first, verbs);
    throw usageError(`"models" knows ${verbs.join(', ')}, not "${first}".${near === null ? '' : ` Did you mean "${near}"?`}`);
  }
  if (verb === 'ls' && name !== null) throw usageError(`"models ls" takes no name. "models inspect ${name}" shows one.`);
  if (verb !== 'ls' && verb !== 'get' && name === null) throw usageError(`"models ${verb}" needs a model; "models" lists them.`);
  return { verb, name };
}

/** A file here, an address, or one of the offered models, in this order. */
async function subjectOf(client: EngineClient, word: string, quantisation: string | null, context: CommandContext): Promise<ModelSubject> {
  if (/^https?:\/\//i.test(word)) return { url: word };
  const { models } = await client.models.search({}, { signal: context.signal });
  if (models.some((m) => m.id === word || m.path === word || m.name === word) || /[\\/].*\.gguf$/i.test(word)) return { model: word };
  const [name = '', after = null] = word.split(':');
  const offered: OfferedModel | undefined = name.includes('/') ? await client.models.lookUp({ repository: name }, { signal: context.signal }) : (await client.models.offered({}, { signal: context.signal })).find((o) => o.id === name || o.name === name);
  if (!offered) return { model: word };
  const wanted = quantisation ?? after;
  const file = offered.files.find((f) => wanted === null || f.quantisation.toLowerCase() === wanted.toLowerCase()) ?? null;
  if (file === null) throw usageError(`${offered.name} has no ${wanted ?? ''} file; it has ${offered.files.map((f) => f.quantisation).join(', ')}.`);
  return { offered: offered.id, quantisation: file.quantisation };
}

async function runList(client: EngineClient, context: CommandContext): Promise<number> {
  const { out, signal } = context;
  if (context.flags.on('offered')) {
    const offered = await client.models.offered({}, { signal });
    if (context.json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, offered });
    else for (const line of renderOffered(offered, out.columns)) await out.line(line);
    return exitCodes.fine;
  }
  const [list, loaded] = await Promise.all([client.models.search({}, { signal }), client.inference.loaded({}, { signal })]);
  if (context.json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, ...list, loaded });
  else {
    for (const line of renderModels(list, loaded, out.columns)) await out.line(line);
    if (!context.quiet) for (const line of renderProblems(list.folders.flatMap((f) => (f.problem ? [f.problem] : [])))) out.error(line);
  }
  return exitCodes.fine;
}

async function runRemove(client: EngineClient, name: string, context: CommandContext): Promise<number> {
  const { out } = context;
  const plan = await client.models.planRemove({ id: name });
  if (context.flags.on('dry-run')) {
    if (context.json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, plan });
    else for (const file of plan.files) await out.line(cleanText(file));
    return exitCodes.fine;
  }
  if (!context.flags.on('yes')) {
    if (!out.stderrIsTerminal || !process.stdin.isTTY || context.json) throw usageError('Without a terminal, say --yes to delete the files, or --dry-run to see them.');
    const reader = createInterface({ input: process.stdin, output: process.stderr });
    const answer = await reader.question(`Delete ${cleanText(plan.name)}, ${formatFileSize(plan.bytes)} in ${String(plan.files.length)} file${plan.files.length === 1 ? '' : 's'}? [y/N] `, { signal: context.signal }).finally(() => { reader.close(); });
    if (!/^y(es)?$/i.test(answer.trim())) {
      out.note('Nothing was deleted.');
      return exitCodes.fine;
    }
  }
  await client.models.remove({ planId: plan.planId });
  await (context.json ? out.json({ schemaVersion: JSON_SCHEMA_VERSION, removed: plan.files, bytes: plan.bytes }) : out.line(`Deleted ${cleanText(plan.name)}, ${formatFileSize(plan.bytes)}.`));
  return exitCodes.fine;
}

async function runJob(client: EngineClient, verb: 'measure' | 'verify', subject: ModelSubject, context: CommandContext): Promise<number> {
  const { out, signal, flags } = context;
  const started = verb === 'verify' ? await client.models.verify({ id: 'model' in subject ? subject.model : '' }, { signal }) : await client.models.measure({ subject, place: flags.text('place'), settings: readEngineFlags(flags, (await client.gpus.list({}, { signal })).devices) }, { signal });
  const job = await followJob(client, started, signal, (now) => { out.progress(`${now.doing ?? now.title}: ${formatPercent(now.progress === null ? null : now.progress * 100)}`); });
  out.endProgress();
  if (signal.aborted) await client.jobs.cancel({ id: job.id });
  if (job.problem !== null) throw new ProblemError(job.problem);
  if (context.json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, job });
  else for (const [name, value] of Object.entries(job.result ?? {})) await out.line(`${name}: ${cleanText(String(value))}`);
  return exitCodes.fine;
}

export async function runModels(context: CommandContext): Promise<number> {
  const { out, signal, flags } = context;
  const { verb, name } = parseModelWords(context.positionals);
  const engine = await context.attach({ anyGpus: context.gpus === null });
  const { client } = engine;
  try {
    if (verb === 'ls') return await runList(client, context);
    if (verb === 'get') {
      const wish = name === null ? { offered: (await client.models.offered({}, { signal })).find((o) => o.first)?.id ?? '', quantisation: flags.text('quantisation') } : parseDownloadWish(name, flags.text('quantisation'), flags.text('sha256'));
      const download = await getModel(client, wish, context);
      await (context.json ? out.json({ schemaVersion: JSON_SCHEMA_VERSION, download }) : out.line(download.state === 'done' ? `${cleanText(download.name)} is here. Talk to it with: warpdeck chat ${download.modelId ?? ''}`.trimEnd() : `The download is ${download.state}. The same command goes on.`));
      return exitCodes.fine;
    }
    if (verb === 'rm') return await runRemove(client, name ?? '', context);
    if (verb === 'verify') return await runJob(client, verb, { model: name ?? '' }, context);
    const subject = await subjectOf(client, name ?? '', flags.text('quantisation'), context);
    if (verb === 'measure') return await runJob(client, verb, subject, context);
    const settings = readEngineFlags(flags, (await client.gpus.list({}, { signal })).devices);
    const outlook = await client.models.outlook({ subject, settings }, { signal });
    const model = verb === 'inspect' && 'model' in subject ? await client.models.get({ id: subject.model }, { signal }) : null;
    if (context.json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, ...(model === null ? {} : { model }), outlook });
    else {
      if (model !== null) for (const line of [...renderModel(model), '']) await out.line(line);
      for (const line of renderOutlook(outlook, out.columns)) await out.line(line);
      for (const line of renderProblems([...(model?.problems ?? []), ...outlook.problems])) out.error(line);
    }
    return (model?.problems ?? outlook.problems).some((p) => p.severity === 'problem') ? exitCodes.findings : exitCodes.fine;
  } finally {
    engine.close();
  }
}
