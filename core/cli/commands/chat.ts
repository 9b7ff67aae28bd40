import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import type { ChatTurn, GenerateRequest, GenerationEvent, LoadWish } from '../../../contract/inference.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf, ProblemError } from '../../../contract/problem.ts';
import type { EngineClient } from '../../engine/connect.ts';
import { JSON_SCHEMA_VERSION, type CommandContext } from '../command.ts';
import { cleanProse, cleanText } from '../display-width.ts';
import { readEngineFlags, readSamplingFlags } from '../engine-flags.ts';
import { formatDateTime, formatFileSize } from '../format-values.ts';
import { getModel } from '../get-model.ts';
import { describeFigures } from '../model-text.ts';
import { numberFlag, usageError } from '../parse-command-line.ts';
import { exitCodes } from '../problem-text.ts';
import { renderTable } from '../text-table.ts';

/** Standard input may hold this much, bytes. */
const MAX_INPUT = 8_000_000;

type Wish = Partial<LoadWish>;
type Request = Partial<GenerateRequest>;

async function readInput(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const piece of process.stdin) {
    text += String(piece);
    if (text.length > MAX_INPUT) throw usageError(`Standard input is longer than ${formatFileSize(MAX_INPUT)}.`);
  }
  return text;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw usageError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function readRequest(context: CommandContext): Promise<Request> {
  const { flags } = context;
  const schema = flags.text('json-schema');
  const grammar = flags.text('grammar');
  if (schema !== null && grammar !== null) throw usageError('Give --json-schema or --grammar, not both.');
  let jsonSchema: Record<string, unknown> | undefined;
  if (schema !== null) {
    const parsed = ((): unknown => {
      try {
        return JSON.parse(schema) as unknown;
      } catch (error) {
        throw usageError(`--json-schema is not JSON: ${error instanceof Error ? error.message : ''}`);
      }
    })();
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw usageError('--json-schema is a JSON object.');
    jsonSchema = parsed as Record<string, unknown>;
  }
  const maxTokens = numberFlag(flags, 'max-tokens', { min: 1, max: 1_000_000, unit: '', whole: true });
  // The engine fills in what is not given.
  return {
    sampling: readSamplingFlags(flags) as GenerateRequest['sampling'],
    mayShift: true,
    ...(maxTokens === null ? {} : { maxTokens }),
    ...(jsonSchema === undefined ? {} : { jsonSchema }),
    ...(grammar === null ? {} : { grammar: await readText(grammar) }),
  };
}

/** Asks the first question; where there is no model at all and none was named, the smallest one is fetched first, once. */
async function ask(client: EngineClient, wish: Wish, request: Request, context: CommandContext): Promise<AsyncIterable<GenerationEvent>> {
  const begin = async (): Promise<AsyncIterable<GenerationEvent>> => {
    const stream = await client.inference.generate({ model: wish, request }, { signal: context.signal });
    return stream;
  };
  if (wish.model === null || wish.model === undefined) {
    const { models } = await client.models.search({}, { signal: context.signal });
    if (!models.some((m) => m.problems.length === 0 && !m.synthetic)) {
      const first = (await client.models.offered({}, { signal: context.signal })).find((o) => o.first);
      if (!first) throw problemError('model.none');
      context.out.note(`No model is here yet. Getting ${first.name}, the smallest useful one, once.`);
      const download = await getModel(client, { offered: first.id, quantisation: null }, context);
      if (download.state !== 'done') throw problemError('model.none');
    }
  }
  return begin();
}

/** Writes one answer as it comes. Answers its text, or null when it was stopped. */
async function writeAnswer(events: AsyncIterable<GenerationEvent>, context: CommandContext): Promise<{ readonly text: string; readonly ended: boolean; readonly exitCode: number }> {
  const { out } = context;
  let text = '';
  let thinking = false;
  let ended = false;
  let exitCode: number = exitCodes.fine;
  try {
    for await (const event of events) {
      if (context.json) {
        await out.jsonLine(event);
        if (event.t !== 'end') continue;
      }
      if (event.t === 'queued') out.progress(`${String(event.ahead)} requests are before this one …`);
      else if (event.t === 'prompt') out.progress(`Reading the prompt: ${String(event.done)} of ${String(event.total)} tokens`);
      else if (event.t === 'text') {
        if (event.channel === 'thinking' && !thinking) await out.line('(thinking)');
        if (event.channel === 'answer' && thinking) await out.line('\n(answer)');
        thinking = event.channel === 'thinking';
        if (event.channel === 'answer') text += event.text;
        await out.write(cleanProse(event.text));
      } else if (event.t === 'tool_call') await out.line(`\n(calls ${cleanText(event.call.name)} with ${cleanText(event.call.arguments)})`);
      else {
        ended = true;
        out.endProgress();
        if (!context.json) {
          await out.line('');
          out.note(describeFigures(event.figures));
          if (event.reason !== 'stop') out.note(`Ended: ${event.reason.replaceAll('_', ' ')}.`);
        }
        if (event.problem !== null) throw new ProblemError(event.problem);
      }
    }
  } catch (error) {
    if (!context.signal.aborted || problemOf(error) !== null) throw error;
    if (!context.json) await out.line('');
    exitCode = exitCodes.fine;
  } finally {
    out.endProgress();
  }
  return { text, ended, exitCode };
}

/** A conversation in the terminal: an empty line or Ctrl+D ends it. */
async function talk(client: EngineClient, wish: Wish, request: Request, system: ChatTurn[], context: CommandContext): Promise<number> {
  const turns = [...system];
  context.out.note('Write a message; Ctrl+C stops an answer, an empty line ends.');
  for (;;) {
    const reader = createInterface({ input: process.stdin, output: process.stderr });
    const typed = await reader.question('> ', { signal: context.signal }).catch(() => '').finally(() => { reader.close(); });
    if (typed.trim() === '') return exitCodes.fine;
    turns.push({ role: 'user', content: typed, toolCalls: [], toolCallId: null });
    const answer = await writeAnswer(await ask(client, wish, { ...request, turns }, context), context);
    if (!answer.ended) return exitCodes.fine;
    turns.push({ role: 'assistant', content: answer.text, toolCalls: [], toolCallId: null });
  }
}

async function listConversations(client: EngineClient, context: CommandContext): Promise<number> {
  const conversations = await client.chat.list({}, { signal: context.signal });
  if (context.json) await context.out.json({ schemaVersion: JSON_SCHEMA_VERSION, conversations });
  else if (conversations.length === 0) await context.out.line('No conversations are stored.');
  else for (const line of renderTable([{ title: 'ID' }, { title: 'CHANGED' }, { title: 'MESSAGES', align: 'right' }, { title: 'TITLE', shrinkTo: 16 }], conversations.map((c) => [c.id, formatDateTime(c.changedAtMs), String(c.messages), cleanText(c.title)]), context.out.columns)) await context.out.line(line);
  return exitCodes.fine;
}

export async function runChat(context: CommandContext): Promise<number> {
  const { flags, out, signal } = context;
  const request = await readRequest(context);
  const engine = await context.attach({ anyGpus: context.gpus === null });
  const { client } = engine;
  try {
    if (flags.on('list')) return await listConversations(client, context);
    const shown = flags.text('export');
    if (shown !== null) {
      const { text } = await client.chat.export({ id: shown, format: context.json ? 'json' : 'markdown' }, { signal });
      await out.write(text);
      return exitCodes.fine;
    }
    const settings = readEngineFlags(flags, (await client.gpus.list({}, { signal })).devices);
    const wish: Wish = { model: context.positionals[0] ?? null, settings, makeRoom: flags.on('make-room') };
    const systemText = flags.text('system');
    const system: ChatTurn[] = systemText === null ? [] : [{ role: 'system', content: systemText, toolCalls: [], toolCallId: null }];
    const given = flags.text('prompt') ?? (process.stdin.isTTY ? null : await readInput());
    if (given === null) return await talk(client, wish, request, system, context);
    if (given.trim() === '') throw usageError('The prompt is empty: give one with --prompt, or on standard input.');
    const events = await ask(client, wish, { ...request, turns: [...system, { role: 'user', content: given, toolCalls: [], toolCallId: null }] }, context);
    if (context.json) await out.jsonLine({ schemaVersion: JSON_SCHEMA_VERSION, model: wish.model ?? null });
    return (await writeAnswer(events, context)).exitCode;
  } finally {
    engine.close();
  }
}
