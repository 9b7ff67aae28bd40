import { MessageChannel } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { createLoadLog } from './load-log.ts';

it('silence counts only when lines that waited beside a busy thread were taken in', async () => {
  const log = createLoadLog();
  const { port1, port2 } = new MessageChannel();
  port2.on('message', (line: string) => { log.add(line); });
  const silent = log.quiet(5, 5000);
  port1.postMessage('load_tensors:   CPU_REPACK model buffer size =    56.95 MiB');
  // Longer than the silence that is waited for.
  for (const end = performance.now() + 25; performance.now() < end;);
  await silent;
  expect(log.lines()).toHaveLength(1);
  port1.close();
});

it('a log that never falls silent is waited for until the deadline', async () => {
  const log = createLoadLog();
  const timer = setInterval(() => { log.add('again'); }, 1);
  await log.quiet(50, 200);
  clearInterval(timer);
  expect(log.lines().length).toBeGreaterThan(1);
});
