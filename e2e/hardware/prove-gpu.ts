/**
 * Proof by kernel on this machine's GPUs: `node prove-gpu.ts [FOLDER …]` proves the torch of each environment (without
 * one: that of `WARPDECK_PYTHON` or python3) through an engine, as the page does. Prints every step with its error and
 * what was allowed. Exit code 1 when a prediction is contradicted or a kernel is wrong. Part of `npm run hardware`.
 */
import { execFileSync } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { startEngine } from '../bench/engine-process.ts';

const prefixOf = (python: string): string => execFileSync(python, ['-I', '-c', 'import sys; print(sys.prefix)'], { encoding: 'utf8' }).trim();
const given = process.argv.slice(2);
const folders = given.length > 0 ? given : [prefixOf(process.env['WARPDECK_PYTHON'] ?? 'python3')];

const engine = await startEngine({ gpus: 'nvml' });
let wrong = 0;
try {
  const { client, ws } = await engine.connect();
  for (const env of folders) {
    const { reports } = await client.environments.judge({ env });
    const report = reports.find((r) => r.environment.prefix === env) ?? reports[0];
    if (report === undefined) throw new Error(`${env} is no environment`);
    const { id } = report.environment;
    let job = await client.environments.prove({ id });
    while (['queued', 'running', 'cancelling'].includes(job.state)) {
      await wait(200);
      job = await client.jobs.get({ id: job.id });
    }
    if (job.problem) throw new Error(`${job.problem.title}: ${job.problem.cause}`);
    const proofs = (await client.environments.proofs({ id })).filter((proof) => proof.atMs >= job.startedAtMs);
    for (const proof of proofs) {
      console.log(`${proof.gpuName}, torch ${proof.torchVersion ?? '—'}: predicted ${proof.predicted}, ${proof.works ? 'works' : 'does not work'}, ${proof.agrees ? 'agree' : 'DISAGREE'} (${(proof.tookMs / 1000).toFixed(1)} s)`);
      for (const step of proof.steps) {
        console.log(`  ${step.name.padEnd(20)} ${step.state.padEnd(12)} ${step.error?.toExponential(1) ?? '—'} of ${step.tolerance?.toExponential(1) ?? '—'}  ${step.tookMs === null ? '' : `${step.tookMs.toFixed(0)} ms`}  ${step.text?.split('\n')[0] ?? ''}`);
      }
      if (!proof.agrees || proof.steps.some((step) => step.state === 'wrong')) wrong += 1;
    }
    if (proofs.length === 0) wrong += 1;
  }
  ws.close();
} finally {
  await engine.stop();
}
process.exitCode = wrong === 0 ? 0 : 1;
