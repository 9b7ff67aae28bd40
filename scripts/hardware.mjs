// `npm run hardware`: what only a machine with an NVIDIA GPU can show. Compares every value with nvidia-smi, idle and
// under load when a Python with torch is there, and measures what watching costs. Builds first when needed.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawn } from 'node:child_process';

const root = fileURLToPath(new URL('..', import.meta.url));
const run = (script, args = []) => spawnSync(process.execPath, [join(root, 'e2e/hardware', script), ...args], { stdio: 'inherit', cwd: root }).status ?? 1;

if (spawnSync('nvidia-smi', ['-L']).status !== 0) {
  console.error('There is no NVIDIA GPU that answers here: nvidia-smi does not work.');
  process.exit(3);
}
if (!existsSync(join(root, 'out/engine/engine.mjs'))) {
  const built = spawnSync(process.execPath, [join(root, 'scripts/build.mjs'), 'engine'], { stdio: 'inherit' }).status;
  if (built !== 0) process.exit(built ?? 1);
}
let failed = 0;
console.log('Idle:');
failed += run('compare-with-nvidia-smi.ts') === 0 ? 0 : 1;
const python = process.env.WARPDECK_PYTHON ?? 'python3';
if (spawnSync(python, ['-c', 'import torch, sys; sys.exit(0 if torch.cuda.is_available() else 1)']).status === 0) {
  console.log('Under load (torch, matrix products of 8192, bf16):');
  const load = spawn(python, ['-c', 'import torch\nxs=[torch.randn(8192,8192,device=f"cuda:{i}",dtype=torch.bfloat16) for i in range(torch.cuda.device_count())]\nwhile True:\n  for x in xs: x@x\n  torch.cuda.synchronize()'], { stdio: 'ignore' });
  await new Promise((resolve) => setTimeout(resolve, 8000));
  failed += run('compare-with-nvidia-smi.ts') === 0 ? 0 : 1;
  load.kill('SIGKILL');
} else {
  console.log('No Python with torch on a GPU here: the comparison under load was left out.');
}
if (spawnSync('nvcc', ['--version']).status === 0) {
  console.log('Architectures, predicted and run:');
  failed += run('architectures.ts') === 0 ? 0 : 1;
} else console.log('No nvcc here: predictions were not put to the proof.');
if (spawnSync(python, ['-c', 'import torch']).status === 0) {
  console.log('Proof by kernel:');
  failed += run('prove-gpu.ts') === 0 ? 0 : 1;
}
console.log('Cost of watching:');
failed += run('overhead.ts') === 0 ? 0 : 1;
process.exit(failed === 0 ? 0 : 1);
