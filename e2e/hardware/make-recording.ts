/**
 * Records what the driver says while a command runs: `node make-recording.ts FILE SECONDS NOTE [-- COMMAND …]`.
 * The recordings in e2e/fixtures/recordings that are of real GPUs were made with it.
 */
import { spawn } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { startEngine } from '../bench/engine-process.ts';

const [file = 'recording.jsonl', seconds = '20', note = '', ...rest] = process.argv.slice(2);
const command = rest[0] === '--' ? rest.slice(1) : rest;
const engine = await startEngine({ gpus: 'nvml' });
const load = command.length > 0 ? spawn(command[0] ?? '', command.slice(1), { stdio: ['ignore', 'inherit', 'inherit'] }) : null;
try {
  const { client, ws } = await engine.connect();
  let job = await client.recordings.start({ seconds: Number(seconds), note });
  while (job.state === 'running' || job.state === 'queued') {
    await wait(200);
    job = await client.jobs.get({ id: job.id });
  }
  if (job.problem) throw new Error(job.problem.cause);
  copyFileSync(String(job.result?.['path']), file);
  console.log(`${file}: ${JSON.stringify(job.result)}`);
  ws.close();
} finally {
  load?.kill('SIGTERM');
  await engine.stop();
}
