import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { ChangedEvent } from '../../../contract/environment-probe.ts';
import { decideWatches } from './decide-watches.ts';
import { watchEnvironments, type EnvironmentWatch, type WatchOptions } from './watch-environments.ts';

const cleanUps: (() => void)[] = [];
afterEach(() => { for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp(); });

function start(options: Partial<WatchOptions> = {}): { root: string; watch: EnvironmentWatch; events: ChangedEvent[] } {
  const root = mkdtempSync(join(tmpdir(), 'warpdeck-watch-'));
  const events: ChangedEvent[] = [];
  const watch = watchEnvironments({ onChanged: (event) => events.push(event), quietMs: 30, latestMs: 200, pollMs: 40, ...options });
  cleanUps.push(() => { rmSync(root, { recursive: true, force: true }); }, () => { watch.stop(); });
  return { root, watch, events };
}
async function until(holds: () => boolean): Promise<void> {
  for (const end = performance.now() + 10_000; !holds(); await pause(5)) if (performance.now() > end) throw new Error('Did not come true in 10 s');
}
const NEVER = 3_600_000;

describe('watching environments', () => {
  it('by events alone: joins what belongs together, sees a torch that comes later, and a folder that was replaced', async () => {
    const { root, watch, events } = start({ pollMs: NEVER });
    const [a, b] = [join(root, 'a'), join(root, 'b')];
    mkdirSync(a);
    mkdirSync(b);
    expect(await watch.setTargets([{ id: 'A', folders: [a] }, { id: 'B', folders: [b] }])).toEqual({ watched: 2, polled: 2, note: null });
    for (let i = 0; i < 20; i += 1) mkdirSync(join(a, `package-${i}`));
    await until(() => events.length > 0);
    expect(events[0]?.ids).toEqual(['A']);
    mkdirSync(join(b, 'torch'));
    await until(() => watch.state().watched === 3);
    const before = events.length;
    writeFileSync(join(b, 'torch', 'version.py'), '1');
    await until(() => events.length > before);
    expect(events.at(-1)?.ids).toEqual(['B']);
    renameSync(a, `${a}.old`);
    mkdirSync(a);
    await until(() => events.some((event, i) => i > before && event.ids.includes('A')));
    await until(() => watch.state().watched === 3);
    const again = events.length;
    mkdirSync(join(a, 'new'));
    await until(() => events.length > again);
  });

  it('one folder of two environments tells of both', () => {
    expect(decideWatches([{ id: 'A', folders: ['/s', '/a'] }, { id: 'B', folders: ['/s'] }])).toEqual([
      { path: '/s', ids: ['A', 'B'] }, { path: '/s/torch', ids: ['A', 'B'] }, { path: '/a', ids: ['A'] }, { path: '/a/torch', ids: ['A'] },
    ]);
    expect(decideWatches(Array.from({ length: 5000 }, (_, i) => ({ id: `${i}`, folders: [`/${i}`] })))).toHaveLength(4000);
  });

  it.each<[string, Partial<WatchOptions>, RegExp]>([
    ['the system allows no more watches', { watchFolder: () => { throw Object.assign(new Error('no space'), { code: 'ENOSPC' }); } }, /allows no more watches \(ENOSPC\)/],
    ['its own limit is reached', { maxWatches: 0 }, /more than 0 folders/],
  ])('where %s, it looks now and then, and says so', async (_, options, words) => {
    const { root, watch, events } = start(options);
    mkdirSync(join(root, 'torch'));
    writeFileSync(join(root, 'torch', 'version.py'), '1');
    const state = await watch.setTargets([{ id: 'A', folders: [root] }]);
    expect(state).toMatchObject({ watched: 0, polled: 2, note: expect.stringMatching(words) });
    mkdirSync(join(root, 'package'));
    await until(() => events.length === 1);
    utimesSync(join(root, 'torch', 'version.py'), 1, 1);
    await until(() => events.length === 2);
    rmSync(root, { recursive: true });
    await until(() => events.length === 3);
    expect(events.every((event) => event.ids.join() === 'A')).toBe(true);
  });

  it('a watch that fails later is polled, and a target that was dropped is not told of', async () => {
    let fail = (): void => undefined;
    const { root, watch, events } = start({ watchFolder: (_path, _onEvent, onError) => { fail = onError; return { close: () => undefined }; } });
    const [a, b] = [join(root, 'a'), join(root, 'b')];
    mkdirSync(a);
    mkdirSync(b);
    await watch.setTargets([{ id: 'A', folders: [a] }]);
    fail();
    await until(() => events.length === 1);
    mkdirSync(join(a, 'x'));
    await until(() => events.length >= 2);
    await watch.setTargets([{ id: 'B', folders: [b] }]);
    const before = events.length;
    mkdirSync(join(a, 'y'));
    mkdirSync(join(b, 'y'));
    await until(() => events.slice(before).some((event) => event.ids.includes('B')));
    expect(events.slice(before).flatMap((event) => event.ids)).not.toContain('A');
  });
});
