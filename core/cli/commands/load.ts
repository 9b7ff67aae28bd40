import { JSON_SCHEMA_VERSION, type CommandContext } from '../command.ts';
import { cleanText } from '../display-width.ts';
import { readEngineFlags } from '../engine-flags.ts';
import { formatPercent } from '../format-values.ts';
import { renderLoaded } from '../model-text.ts';
import { exitCodes } from '../problem-text.ts';
import { renderProblems } from '../verdict-table.ts';

/** A model stays loaded only while an engine runs: one that stays is started where none is. */
export async function runLoad(context: CommandContext): Promise<number> {
  const { out, signal, flags } = context;
  const engine = await context.attach({ stay: true, anyGpus: context.gpus === null });
  const { client } = engine;
  try {
    const settings = readEngineFlags(flags, (await client.gpus.list({}, { signal })).devices);
    const watching = new AbortController();
    const shown = (async () => {
      for await (const list of await client.inference.watchLoaded({}, { signal: watching.signal })) {
        const now = list.find((l) => l.state === 'starting' || l.state === 'loading');
        if (now) out.progress(`Loading ${cleanText(now.name)}: ${formatPercent(now.progress === null ? null : now.progress * 100)}`);
      }
    })().catch(() => undefined);
    const loaded = await client.inference.load({ model: context.positionals[0] ?? null, settings, makeRoom: flags.on('make-room') }, { signal }).finally(() => { watching.abort(); });
    await shown;
    out.endProgress();
    if (context.json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, loaded });
    else {
      for (const line of renderLoaded([loaded], out.columns)) await out.line(line);
      await out.line(cleanText(loaded.truth.sentence));
      if (loaded.truth.problem !== null) for (const line of renderProblems([loaded.truth.problem])) out.error(line);
    }
    return loaded.truth.colour === 'red' ? exitCodes.findings : exitCodes.fine;
  } finally {
    engine.close();
  }
}

export async function runUnload(context: CommandContext): Promise<number> {
  const { out, signal } = context;
  const engine = await context.attach({ anyGpus: true });
  try {
    const word = context.positionals[0] ?? null;
    const all = await engine.client.inference.loaded({}, { signal });
    const chosen = word === null ? all : all.filter((l) => l.id === word || l.modelId === word || l.name === word);
    // What is not there is asked for all the same: the engine has the words for it.
    for (const id of chosen.length > 0 || word === null ? chosen.map((l) => l.id) : [word]) await engine.client.inference.unload({ id }, { signal });
    await (context.json ? out.json({ schemaVersion: JSON_SCHEMA_VERSION, unloaded: chosen.map((l) => l.id) }) : out.line(chosen.length === 0 ? 'No model is in memory.' : `Unloaded ${chosen.map((l) => cleanText(l.name)).join(', ')}.`));
    return exitCodes.fine;
  } finally {
    engine.close();
  }
}

/** `ps --models`. */
export async function runPsModels(context: CommandContext): Promise<number> {
  const { out, signal } = context;
  const engine = await context.attach({ anyGpus: context.gpus === null });
  try {
    const loaded = await engine.client.inference.loaded({}, { signal });
    if (context.json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, loaded });
    else {
      for (const line of renderLoaded(loaded, out.columns)) await out.line(line);
      for (const line of renderProblems(loaded.flatMap((l) => [l.problem, l.truth.problem]).filter((p) => p !== null))) out.error(line);
    }
    return loaded.some((l) => l.truth.colour === 'red') ? exitCodes.findings : exitCodes.fine;
  } finally {
    engine.close();
  }
}
