/** What llama.cpp says while it loads, and what is read from it. The words are those of release v0.5.0. */

/** Of the last lines said, so many are looked at when loading fails. */
const MAX_LINES = 2000;
const MAX_LINE = 500;
/** Lines of the report: those that say where something was placed. */
const MAX_SAID = 64;
const PLACEMENT = /offload|buffer size|using device|flash.?att|fused|n_ctx_seq|not supported|fall.?back|reserve took|graph splits|splits =|CUDA|Vulkan/i;
const TROUBLE = /error|fail|cannot|unable|unknown|invalid|corrupt|not within|out of memory|exceed|mismatch|missing|unsupported|duplicat|bad /i;

export interface LoadLog {
  add(message: string): void;
  lines(): readonly string[];
  /** Settles when nothing was said for `silenceMs`: the lines come over from another thread, after the call they explain. */
  quiet(silenceMs: number, deadlineMs: number): Promise<void>;
}

/** Keeps the last lines; the dots of llama.cpp's own progress bar and the dump of metadata are left out. */
export function createLoadLog(): LoadLog {
  let kept: string[] = [];
  const listeners = new Set<() => void>();
  return {
    quiet(silenceMs, deadlineMs) {
      return new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(silence);
          clearTimeout(deadline);
          clearImmediate(turn);
          listeners.delete(again);
          resolve();
        };
        let turn: NodeJS.Immediate | undefined;
        // On a busy machine the time may be over before waiting lines were taken in: they are, between a timer and an immediate.
        const waitSilence = (): NodeJS.Timeout => setTimeout(() => { turn = setImmediate(done); }, silenceMs);
        let silence = waitSilence();
        const again = (): void => {
          clearTimeout(silence);
          clearImmediate(turn);
          silence = waitSilence();
        };
        const deadline = setTimeout(done, deadlineMs);
        listeners.add(again);
      });
    },
    add(message) {
      for (const line of message.split('\n')) {
        const text = line.trim();
        if (text === '' || /^\.+$/.test(text) || /^llama_model_loader: - kv /.test(text)) continue;
        kept.push(text.length > MAX_LINE ? `${text.slice(0, MAX_LINE - 1)}…` : text);
      }
      if (kept.length > 2 * MAX_LINES) kept = kept.slice(-MAX_LINES);
      for (const listener of listeners) listener();
    },
    lines: () => kept,
  };
}

/** What is worth telling of a load that succeeded. */
export function pickSaid(lines: readonly string[]): string[] {
  const said: string[] = [];
  for (const line of lines) if (PLACEMENT.test(line) && !/fused DeepSeek/.test(line) && !said.includes(line)) said.push(line);
  return said.slice(0, MAX_SAID);
}

/** The lines that say why a load failed, the most telling (the first) first; empty: nothing was said. */
export function pickTrouble(lines: readonly string[]): string[] {
  const trouble: string[] = [];
  for (const line of lines) if (TROUBLE.test(line) && !/EOG|control token/.test(line) && !trouble.includes(line)) trouble.push(line);
  return trouble.slice(0, 5);
}

const MIB = 1024 * 1024;

/** Bytes of the cache from the lines `NAME KV buffer size = N MiB` (RS: of recurrent models), wherever it lies. */
export function sumCacheBytes(lines: readonly string[]): number {
  let bytes = 0;
  for (const line of lines) {
    const [, size] = /\s(?:KV|RS) buffer size =\s*([\d.]{1,20}) MiB/.exec(line) ?? [];
    if (size !== undefined && Number.isFinite(Number(size))) bytes += Math.round(Number(size) * MIB);
  }
  return bytes;
}

/** Layers on the GPU as llama.cpp counts them, from `offloaded 33/33 layers to GPU`; null: it did not say. */
export function parseOffloaded(lines: readonly string[]): { readonly on: number; readonly of: number } | null {
  for (const line of [...lines].reverse()) {
    const [, on, of] = /offloaded (\d+)\/(\d+) layers/.exec(line) ?? [];
    if (on !== undefined && of !== undefined) return { on: Number(on), of: Number(of) };
  }
  return null;
}

/** Whether flash attention is really used; `asked` decides where nothing was said. */
export function parseFlashAttention(lines: readonly string[], asked: 'auto' | 'on' | 'off'): boolean {
  for (const line of [...lines].reverse()) {
    const [, state] = /Flash Attention (?:was auto, set to )?(enabled|disabled)/i.exec(line) ?? [];
    if (state !== undefined) return state.toLowerCase() === 'enabled';
  }
  return asked === 'on';
}
