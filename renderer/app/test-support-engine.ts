import { act } from '@testing-library/react';
import type { z } from 'zod';
import { api } from '../../contract/api.ts';
import type { Client } from '../connection/client.ts';
import type { CommitClock } from '../connection/commit-clock.ts';
import type { UiStore } from '../stores/ui-store.ts';

export interface PlayedStream<T> {
  send(item: T): void;
  open(signal?: AbortSignal): AsyncIterable<T>;
}

/** A stream that a test writes by hand; each subscriber gets what is sent from then on, and the last item first. */
export function makeStream<T>(keepLast = true): PlayedStream<T> {
  const readers = new Set<(item: T) => void>();
  let last: { readonly item: T } | null = null;
  return {
    send: (item) => {
      last = { item };
      for (const r of readers) r(item);
    },
    open: async function* (signal) {
      const waiting: T[] = keepLast && last !== null ? [last.item] : [];
      let wake = (): void => undefined;
      const read = (item: T): void => {
        waiting.push(item);
        wake();
      };
      readers.add(read);
      try {
        while (signal?.aborted !== true) {
          const item = waiting.shift();
          if (item !== undefined) yield item;
          else await new Promise<void>((resolve) => {
            wake = resolve;
            signal?.addEventListener('abort', () => resolve(), { once: true });
          });
        }
      } finally {
        readers.delete(read);
      }
    },
  };
}

export interface PlayedEngine {
  readonly client: Client;
  readonly clock: CommitClock;
  readonly calls: readonly { readonly operation: string; readonly input: unknown }[];
  /** What an operation answers from now on; a function is asked each time, an Error is thrown. */
  answer(operation: string, value: unknown): void;
  inputsOf(operation: string): readonly unknown[];
  beat(): void;
  /** Every promise that can go on has gone on, and the beat has passed. */
  settle(): Promise<void>;
}

interface Procedure {
  readonly '~orpc': { readonly inputSchema?: z.ZodType; readonly outputSchema?: z.ZodType };
}
const procedureOf = (area: string, name: string): Procedure => {
  const found = (api as unknown as Record<string, Record<string, Procedure>>)[area]?.[name];
  if (found === undefined) throw new Error(`${area}.${name} is not in the contract`);
  return found;
};

/**
 * The engine's side of the contract, played by a test: streams are written by hand, calls are answered as told.
 * `strict`: inputs and answers are held to the contract's schemas.
 */
export function playEngine(streams: Readonly<Record<string, Pick<PlayedStream<unknown>, 'open'>>>, { strict = false, now = Date.now }: { readonly strict?: boolean; readonly now?: () => number } = {}): PlayedEngine {
  const answers = new Map<string, unknown>();
  const calls: { readonly operation: string; readonly input: unknown }[] = [];
  const beats = new Set<(nowMs: number) => void>();
  const call = (area: string, name: string) => async (given: unknown, options?: { readonly signal?: AbortSignal }): Promise<unknown> => {
    const operation = `${area}.${name}`;
    const stream = streams[operation];
    if (stream !== undefined) return stream.open(options?.signal);
    const schemas = strict ? procedureOf(area, name)['~orpc'] : null;
    const input = schemas === null ? given : schemas.inputSchema?.parse(given);
    calls.push({ operation, input });
    const value = answers.get(operation);
    const answer: unknown = await (typeof value === 'function' ? (value as (input: unknown) => unknown)(input) : value);
    if (answer instanceof Error) throw answer;
    return schemas === null ? answer : schemas.outputSchema?.parse(answer);
  };
  const beat = (): void => {
    for (const one of beats) one(now());
  };
  const turns = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await new Promise((resolve) => { setTimeout(resolve); });
  };
  return {
    client: new Proxy({}, { get: (_, area) => new Proxy({}, { get: (__, name) => call(String(area), String(name)) }) }) as unknown as Client,
    clock: {
      onTick: (listener) => {
        beats.add(listener);
        return () => {
          beats.delete(listener);
        };
      },
      stop: () => beats.clear(),
    },
    calls,
    answer: (operation, value) => answers.set(operation, value),
    inputsOf: (operation) => calls.filter((c) => c.operation === operation).map((c) => c.input),
    beat,
    settle: () => act(async () => {
      for (let round = 0; round < 3; round++) {
        await turns(6);
        beat();
      }
      await turns(6);
    }),
  };
}

/** A connection that is there from the first. */
export const source = { whenReady: async () => undefined };

/** A store that never changes. */
export const makeStill = (state: unknown): unknown => ({ getState: () => state, getInitialState: () => state, subscribe: () => () => undefined });

/** The shell of a page in a browser: what it was asked to save and open, and the questions that it asks through `ui`. */
export function playShell(ui: UiStore): { readonly shell: unknown; readonly saved: { readonly name: string; readonly text: string }[]; readonly opened: string[] } {
  const saved: { readonly name: string; readonly text: string }[] = [];
  const opened: string[] = [];
  return {
    saved,
    opened,
    shell: {
      kind: 'browser',
      confirm: (question: Parameters<ReturnType<UiStore['getState']>['ask']>[0]) => ui.getState().ask(question),
      openExternal: async (url: string) => opened.push(url) > 0,
      saveFile: async (file: { suggestedName: string; bytes: Uint8Array }) => {
        saved.push({ name: file.suggestedName, text: new TextDecoder().decode(file.bytes) });
        return file.suggestedName;
      },
    },
  };
}

/** jsdom has the element, not its methods; a browser has both. */
export function giveDialogs(): void {
  HTMLDialogElement.prototype.showModal = function (this: HTMLDialogElement) { this.open = true; };
  HTMLDialogElement.prototype.close = function (this: HTMLDialogElement) { this.open = false; };
}
