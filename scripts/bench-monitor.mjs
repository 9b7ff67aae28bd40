// `npm run bench:monitor`: builds when something is missing, then runs e2e/bench/bench-monitor.ts.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
if (!existsSync(join(root, 'out/engine/engine.mjs')) || !existsSync(join(root, 'out/renderer/index.html'))) {
  const built = spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], { stdio: 'inherit' }).status;
  if (built !== 0) process.exit(built ?? 1);
}
process.exit(spawnSync(process.execPath, [join(root, 'e2e/bench/bench-monitor.ts'), ...process.argv.slice(2)], { stdio: 'inherit', cwd: root }).status ?? 1);
