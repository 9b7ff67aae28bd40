import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import type { ApplyMeans } from '../../../contract/optimize.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { createApply } from './create-apply.ts';
import { describeVenv, makeApplyDeps } from './fixtures/apply-under-test.ts';

interface Place {
  readonly prefix: string;
  readonly folder: string;
  readonly found: FoundEnvironment;
}

function makePlace(means: ApplyMeans): Place {
  const root = makeTestFolder('apply-crash');
  const prefix = join(root, 'environment');
  mkdirSync(join(prefix, 'lib', 'python3.11', 'site-packages'), { recursive: true });
  mkdirSync(join(prefix, 'share', 'jupyter', 'kernels', 'chat'), { recursive: true });
  writeFileSync(join(prefix, 'share', 'jupyter', 'kernels', 'chat', 'kernel.json'), '{\n "argv": ["python", "-m", "ipykernel_launcher"],\n "display_name": "Chat"\n}\n');
  return { prefix, folder: join(root, 'records'), found: describeVenv(prefix, '3.11', means === 'conda' ? { kind: 'conda', tool: 'conda' } : {}) };
}

/** Every path with its text: what a kill may not leave changed. */
function listTree(folder: string, under = ''): Record<string, string> {
  return Object.assign({}, ...readdirSync(join(folder, under), { withFileTypes: true }).map((one) => {
    const path = join(under, one.name);
    return one.isDirectory() ? { [path]: '', ...listTree(folder, path) } : { [path]: readFileSync(join(folder, path), 'utf8') };
  })) as Record<string, string>;
}

/** So many processes start that translating the sources each time is what takes long. */
const compiled = makeTestFolder('compiled');

/** True: it was killed. */
function engine(place: Place, what: 'apply' | 'revert', means: ApplyMeans, dieAt: number): boolean {
  const order = JSON.stringify({ do: what, folder: place.folder, environment: place.found, means, dieAt });
  const child = spawnSync(process.execPath, [join(import.meta.dirname, 'fixtures', 'apply-process.ts'), order], { encoding: 'utf8', env: { ...process.env, NODE_COMPILE_CACHE: compiled } });
  if (child.signal !== 'SIGKILL' && child.status !== 0) throw new Error(child.stderr);
  return child.signal === 'SIGKILL';
}

const reviving = (place: Place): ReturnType<typeof createApply> => createApply(makeApplyDeps(place.folder, { found: place.found, torch: '2.8.0+cu128' }));

describe.each(['hook', 'conda', 'jupyter'] as const)('%s', (means) => {
  test('kill -9 at any point leaves nothing or all', { timeout: 240_000 }, async () => {
    const place = makePlace(means);
    const start = listTree(place.prefix);
    // Applied: killed in front of each operation in turn, until none is left.
    let kills = 0;
    while (engine(place, 'apply', means, kills + 1)) {
      kills += 1;
      await reviving(place).recover();
      const [left] = await reviving(place).applications();
      if (left === undefined) expect(listTree(place.prefix)).toEqual(start);
      else {
        // The last write was the one that makes it hold.
        expect(left.state).toBe('in_force');
        expect(left.files.every((file) => existsSync(file.path))).toBe(true);
        const plan = await reviving(place).planRevert(left.id).then(() => null, (error: unknown) => error);
        expect(plan).toBeNull();
        rmSync(place.folder, { recursive: true });
        for (const file of left.files) writeFileSync(file.path, start[file.path.slice(place.prefix.length + 1)] ?? '');
        for (const path of Object.keys(listTree(place.prefix)).filter((one) => !(one in start))) rmSync(join(place.prefix, path), { recursive: true, force: true });
      }
    }
    expect(kills).toBeGreaterThan(5);
    const applied = listTree(place.prefix);
    expect(applied).not.toEqual(start);

    // Undone: whatever was begun is ended by the next engine.
    let undone = 0;
    while (engine(place, 'revert', means, undone + 1)) {
      undone += 1;
      await reviving(place).recover();
      const [one] = await reviving(place).applications();
      expect(['in_force', 'reverted']).toContain(one?.state);
      expect(listTree(place.prefix)).toEqual(one?.state === 'in_force' ? applied : start);
      if (one?.state === 'reverted') engine(place, 'apply', means, 0);
    }
    expect(undone).toBeGreaterThan(3);
    expect(listTree(place.prefix)).toEqual(start);
  });
});
