import type { Intent } from '../../app/intents.ts';

export interface Found {
  readonly intent: Intent;
  /** Why it cannot be done now; null when it can. */
  readonly reason: string | null;
  /** Where the typed text stands in the title; null when the match is elsewhere. */
  readonly mark: readonly [number, number] | null;
}

export interface FoundGroup {
  readonly title: 'Do' | 'Go to' | 'Cannot be done now';
  readonly items: readonly Found[];
}

/** How well a text matches, lower is better; null: not at all. Start of the title, of a word, inside, then the start of any other word. */
function rank(intent: Intent, typed: string): number | null {
  const title = intent.title.toLowerCase();
  if (typed === '') return 0;
  if (title.startsWith(typed)) return 1;
  if (title.includes(` ${typed}`)) return 2;
  if (title.includes(typed)) return 3;
  const words = `${title} ${intent.detail ?? ''} ${intent.words ?? ''}`.toLowerCase().split(/[\s:;,()]+/);
  return typed.split(/\s+/).every((part) => words.some((word) => word.startsWith(part))) ? 4 : null;
}

/** The intents that match what was typed, in groups, best first. `>` asks for commands only, `@` for GPUs. Pure but for the guards. */
export function findIntents(intents: readonly Intent[], input: string): readonly FoundGroup[] {
  const prefix = /^[>@]/.exec(input)?.[0];
  const typed = input.slice(prefix ? 1 : 0).trim().toLowerCase();
  const pool = intents.filter((i) => (prefix === '>' ? i.group === 'do' : prefix === '@' ? i.id.startsWith('gpu.') : true));
  const ranked = pool
    .map((intent) => ({ intent, rank: rank(intent, typed) }))
    .filter((r): r is { intent: Intent; rank: number } => r.rank !== null)
    .sort((a, b) => a.rank - b.rank)
    .map(({ intent }): Found => {
      const at = typed === '' ? -1 : intent.title.toLowerCase().indexOf(typed);
      return { intent, reason: intent.guard(), mark: at < 0 ? null : [at, at + typed.length] };
    });
  const can = ranked.filter((f) => f.reason === null);
  const groups: FoundGroup[] = [
    { title: 'Do', items: can.filter((f) => f.intent.group === 'do') },
    { title: 'Go to', items: can.filter((f) => f.intent.group === 'go') },
    { title: 'Cannot be done now', items: ranked.filter((f) => f.reason !== null) },
  ];
  return groups.filter((g) => g.items.length > 0);
}
