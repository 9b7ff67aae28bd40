import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import { JSON_SCHEMA_VERSION, type CommandContext } from '../command.ts';
import type { EngineClient } from '../../engine/connect.ts';
import { findOperation } from '../operation-list.ts';
import { usageError } from '../parse-command-line.ts';
import { exitCodes } from '../problem-text.ts';

/** The JSON that --input names: itself, `@FILE`, or `-` for standard input. @throws ProblemError `usage.unknown` */
async function readInput(given: string | null): Promise<unknown> {
  if (given === null) return {};
  let json = given;
  try {
    if (given === '-') json = await readAll(process.stdin);
    else if (given.startsWith('@')) json = await readFile(given.slice(1), 'utf8');
  } catch (error) {
    throw usageError(`--input ${given} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  try {
    return JSON.parse(json);
  } catch (error) {
    throw usageError(`--input is not JSON: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

type Callable = (input: unknown, options: { readonly signal: AbortSignal }) => Promise<unknown>;

/** The client's function for a dotted name. The name is known to be in the contract; the engine checks the input. */
function findCallable(client: EngineClient, name: string): Callable {
  let here: unknown = client;
  for (const part of name.split('.')) here = (here as Readonly<Record<string, unknown>>)[part];
  return here as Callable;
}

const isStream = (value: unknown): value is AsyncIterable<unknown> => typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

export async function runCall(context: CommandContext): Promise<number> {
  const { out, signal, json } = context;
  const operation = findOperation(context.positionals[0] ?? '');
  const input = await readInput(context.flags.text('input'));
  const engine = await context.attach();
  try {
    const answer = await findCallable(engine.client, operation.name)(input, { signal });
    if (!isStream(answer)) {
      await out.json(json ? { schemaVersion: JSON_SCHEMA_VERSION, operation: operation.name, result: answer } : answer);
      return exitCodes.fine;
    }
    if (json) await out.jsonLine({ schemaVersion: JSON_SCHEMA_VERSION, operation: operation.name });
    for await (const item of answer) await out.jsonLine(item);
    return exitCodes.fine;
  } finally {
    engine.close();
  }
}
