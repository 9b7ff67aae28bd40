import type { z } from 'zod';
import { shellMethods, shellRequest, type ShellEvent, type ShellMethod, type ShellMethods } from '../../contract/shell.ts';
import type { FramePort } from '../frame-relay.ts';

/** What answers each method of the channel `shell`. */
export type ShellHandlers = { readonly [M in ShellMethod]: (input: z.output<ShellMethods[M]['input']>) => Promise<z.input<ShellMethods[M]['output']>> };

export interface ShellPort {
  tell(event: ShellEvent): void;
  close(): void;
}

type Reply = { readonly id: number; readonly ok: true; readonly value: unknown } | { readonly id: number; readonly ok: false; readonly error: string };

/**
 * One frame of the page → its answer; null for what is no request at all and gets none. Input and output are
 * parsed: what is unknown, too long or of the wrong kind reaches no handler.
 */
export async function answerShellFrame(frame: unknown, handlers: ShellHandlers, log: (text: string) => void): Promise<Reply | null> {
  const request = shellRequest.strict().safeParse(frame);
  if (!request.success) return null;
  const { id, method } = request.data;
  const input = shellMethods[method].input.safeParse(request.data.input ?? null);
  if (!input.success) return { id, ok: false, error: `${method}: the input does not fit` };
  try {
    // The handler's type is the method's own; TypeScript cannot see that both were picked by the same name.
    const handle = handlers[method] as (input: unknown) => Promise<unknown>;
    return { id, ok: true, value: shellMethods[method].output.parse(await handle(input.data)) };
  } catch (error) {
    log(`shell ${method} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    // Paths and stacks stay here.
    return { id, ok: false, error: `${method} could not be done` };
  }
}

/** Serves the channel `shell` on one port. */
export function serveShell(port: FramePort, handlers: ShellHandlers, log: (text: string) => void): ShellPort {
  let open = true;
  port.onClose(() => { open = false; });
  port.onMessage((frame) => {
    void answerShellFrame(frame, handlers, log).then((reply) => {
      if (reply && open) port.post(reply);
    });
  });
  return {
    tell(event) {
      if (open) port.post(event);
    },
    close() {
      open = false;
      port.close();
    },
  };
}
