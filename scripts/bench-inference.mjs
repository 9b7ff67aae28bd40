// `npm run bench:inference [--model FILE] [--backend cpu|cuda] [--llama-bench PATH] [--calm SECONDS] [ROW …]`: builds when something is
// missing, then runs e2e/bench/inference-bench.ts.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { continueOnNode24 } from './testing/on-node-24.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
await continueOnNode24({ root, script: fileURLToPath(import.meta.url) });
if (!['out/engine/engine.mjs', 'out/workers/inference.mjs'].every((built) => existsSync(join(root, built)))) {
  const built = spawnSync(process.execPath, [join(root, 'scripts/build.mjs'), 'engine'], { stdio: 'inherit' }).status;
  if (built !== 0) process.exit(built ?? 1);
}
process.exit(spawnSync(process.execPath, [join(root, 'e2e/bench/inference-bench.ts'), ...process.argv.slice(2)], { stdio: 'inherit', cwd: root }).status ?? 1);
