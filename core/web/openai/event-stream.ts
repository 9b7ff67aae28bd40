import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

export interface EventStream {
  /** Waits while the reader is slow. */
  send(value: unknown): Promise<void>;
  /** `data: [DONE]`, as OpenAI ends a stream. */
  end(): void;
}

/** Opens Server-Sent Events on a response whose head has not been written. `signal` aborts when the client has gone. */
export function openEventStream(response: ServerResponse, headers: Readonly<Record<string, string | number | readonly string[] | undefined>>, signal: AbortSignal): EventStream {
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
  response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-store', Connection: 'keep-alive', 'X-Accel-Buffering': 'no' });
  const write = async (text: string): Promise<void> => {
    if (signal.aborted || response.destroyed) return;
    if (response.write(text)) return;
    // Either it drains, or the client goes: then nobody waits any more.
    await once(response, 'drain', { signal }).catch(() => undefined);
  };
  return {
    send: (value) => write(`data: ${JSON.stringify(value)}\n\n`),
    end() {
      if (!response.destroyed) response.end('data: [DONE]\n\n');
    },
  };
}
