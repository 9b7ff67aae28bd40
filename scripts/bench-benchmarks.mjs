// `npm run bench:benchmarks [--place cpu|gpu|GPU-UUID] [--env PREFIX] [--calm SECONDS] [ROW …]`: builds when something is missing, then
// runs e2e/bench/benchmarks-bench.ts.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { continueOnNode24 } from './testing/on-node-24.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
await continueOnNode24({ root, script: fileURLToPath(import.meta.url) });
// Only the row `history` drives the built engine and page; without a row all of them run.
const others = ['aa', 'injected', 'canary', 'truth', 'annotation', 'aa-live', 'injected-live', 'canary-live', 'tune'];
const given = process.argv.slice(2);
const needsPage = given.includes('history') || !given.some((one) => others.includes(one));
if (needsPage && !['out/engine/engine.mjs', 'out/renderer/index.html'].every((built) => existsSync(join(root, built)))) {
  const built = spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], { stdio: 'inherit' }).status;
  if (built !== 0) process.exit(built ?? 1);
}
process.exit(spawnSync(process.execPath, [join(root, 'e2e/bench/benchmarks-bench.ts'), ...process.argv.slice(2)], { stdio: 'inherit', cwd: root }).status ?? 1);
