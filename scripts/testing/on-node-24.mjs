// Begins a script on a bare checkout: installs what is missing, then goes on in the Node 24 that this brought.
import { spawnSync } from 'node:child_process';
import { dirname, delimiter } from 'node:path';
import { NODE_MAJOR, createProgressLog, ensureInstalled, findNode24, missingNode } from '../../bin/ensure-ready.mjs';

/**
 * Returns when this process is Node 24 and the packages are there. Else runs the script again and exits as that did.
 * @param {{ root: string, script: string }} options
 */
export async function continueOnNode24({ root, script }) {
  await ensureInstalled({ root, log: createProgressLog() });
  if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR) return;
  const node = findNode24({ root });
  if (node === null) throw missingNode();
  // The child is in this terminal's foreground group too, and gets the same Ctrl-C.
  const { status, error } = spawnSync(node, [script, ...process.argv.slice(2)], { stdio: 'inherit', env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` } });
  if (error) throw error;
  process.exit(status ?? 1);
}
