import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import type { ContractRouterClient } from '@orpc/contract';
import { setTimeout as wait } from 'node:timers/promises';
import type { Api } from '../contract/api.ts';
import { isWorthAsking, type Job } from '../contract/jobs.ts';
import type { Settings } from '../contract/settings.ts';
import type { EngineInfo } from '../contract/system.ts';
import type { EngineHost } from './engine-host.ts';

type EngineClient = ContractRouterClient<Api>;

/** What the main process itself needs of the engine, kept up to date through its restarts. */
export interface EngineWatch {
  /** Those that closing would lose. */
  readonly runningJobs: () => readonly Job[];
  /** Cancels the jobs and ends the engine; resolves when its socket is closed, or after 5 s. */
  stopEngine(): Promise<void>;
  close(): void;
}

export interface EngineWatchOptions {
  readonly host: EngineHost;
  readonly onInfo: (info: EngineInfo) => void;
  readonly onSettings: (settings: Settings) => void;
  readonly onJobs: (running: readonly Job[]) => void;
  readonly log: (text: string) => void;
}

/** Between two looks for an engine that could not be had; the pages ask on their own. */
const RETRY_MS = 5000;

export function watchEngine(options: EngineWatchOptions): EngineWatch {
  let closed = false;
  let running: readonly Job[] = [];
  let current: { readonly client: EngineClient; readonly ended: Promise<void>; close(): void } | null = null;

  const follow = async (): Promise<void> => {
    const ws = await options.host.connect();
    const ended = new Promise<void>((resolve) => { ws.once('close', () => { resolve(); }); });
    if (closed) {
      ws.close();
      return;
    }
    // ws and the browser's WebSocket agree on all that the link uses; their types differ in unused members.
    const client: EngineClient = createORPCClient(new RPCLink({ websocket: ws as unknown as ConstructorParameters<typeof RPCLink>[0]['websocket'] }));
    current = { client, ended, close: () => { ws.close(); } };
    const watchSettings = async (): Promise<void> => {
      for await (const status of await client.settings.watch({})) options.onSettings(status.settings);
    };
    const watchJobs = async (): Promise<void> => {
      for await (const jobs of await client.jobs.watch({})) {
        running = jobs.filter(isWorthAsking);
        options.onJobs(running);
      }
    };
    try {
      options.onInfo(await client.engine.info({}));
      await Promise.race([ended, Promise.all([watchSettings(), watchJobs()])]);
    } finally {
      current = null;
      running = [];
      ws.close();
    }
    await ended;
  };

  const run = async (): Promise<void> => {
    while (!closed) {
      try {
        await follow();
      } catch (error) {
        if (closed) return;
        options.log(`the engine is not watched: ${error instanceof Error ? error.message : String(error)}`);
        await wait(RETRY_MS);
      }
    }
  };
  void run();

  return {
    runningJobs: () => running,
    async stopEngine() {
      const engine = current;
      if (!engine) return;
      closed = true;
      await Promise.race([engine.client.engine.stop({ cancelJobs: true }).then(() => engine.ended, () => undefined), wait(5000)]);
    },
    close() {
      closed = true;
      current?.close();
    },
  };
}
