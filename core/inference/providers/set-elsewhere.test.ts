import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Provider } from '../../../contract/inference.ts';
import { attachEngine, type AttachedEngine } from '../../engine/attach-engine.ts';
import { isProcessAlive } from '../../supervisor/process-identity.ts';
import { startOpenAiServer, type OpenAiServer } from '../../testing/openai-server/start-openai-server.ts';

let folder: string;
let server: OpenAiServer;
const faces: AttachedEngine[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'warpdeck-providers-test-'));
  server = await startOpenAiServer({ key: 'sk-elsewhere', models: ['theirs'] });
});
afterEach(async () => {
  const pids = faces.map((face) => face.info.pid);
  for (const face of faces.splice(0)) {
    await face.client.engine.stop({ cancelJobs: true }).catch(() => undefined);
    face.close();
  }
  await server.kill();
  await expect.poll(() => pids.filter(isProcessAlive), { timeout: 10_000 }).toEqual([]);
  rmSync(folder, { recursive: true, force: true });
});

async function attach(): Promise<AttachedEngine> {
  const face = await attachEngine({ dataDir: folder, gpus: 'simulate:1', whenGpusDiffer: 'problem' });
  faces.push(face);
  return face;
}

it('what one face sets, servers and their keys, the other sees without asking', async () => {
  const [watching, setting] = [await attach(), await attach()];
  expect(setting.info.pid).toBe(watching.info.pid);
  let seen: readonly Provider[] = [];
  const leave = new AbortController();
  const watch = (async () => {
    for await (const list of await watching.client.inference.watchProviders({}, { signal: leave.signal })) seen = list;
  })().catch((error: unknown) => { if (!leave.signal.aborted) throw error; });
  const one = (): Provider | undefined => seen[0];

  // As a hand in the settings does it: past `addProvider`.
  await setting.client.settings.update({ inference: { providers: [{ id: 'elsewhere', name: 'Elsewhere', baseUrl: server.url }] } });
  await expect.poll(one, { timeout: 10_000 }).toMatchObject({ id: 'elsewhere', state: 'fails', hasKey: false, problem: { code: 'provider.refused' } });

  await setting.client.settings.setSecret({ name: 'provider:elsewhere', value: 'sk-elsewhere' });
  await expect.poll(one, { timeout: 10_000 }).toMatchObject({ state: 'answers', hasKey: true, models: ['theirs'] });

  await setting.client.settings.setSecret({ name: 'provider:elsewhere', value: 'sk-wrong' });
  await expect.poll(one, { timeout: 10_000 }).toMatchObject({ state: 'fails', hasKey: true });

  await setting.client.settings.setSecret({ name: 'provider:elsewhere', value: null });
  await expect.poll(one, { timeout: 10_000 }).toMatchObject({ hasKey: false });

  // Other settings are no news to any server.
  const asked = server.requests.length;
  await setting.client.settings.update({ inference: { maxAnswerMinutes: 7 } });
  await setting.client.settings.update({ inference: { providers: [] } });
  await expect.poll(() => seen, { timeout: 10_000 }).toEqual([]);
  expect(server.requests).toHaveLength(asked);
  leave.abort();
  await watch;
});
