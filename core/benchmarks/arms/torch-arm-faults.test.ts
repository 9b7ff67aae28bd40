import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Problem } from '../../../contract/problem.ts';
import { isProcessAlive } from '../../supervisor/process-identity.ts';
import { problemFrom } from '../../supervisor/fixtures/test-support.ts';
import type { Arm, ArmWish } from '../parts.ts';
import { asEnvironment, makeArmBench, realTorches, torchWish, type Environment } from './fixtures/arm-bench.ts';
import { startTorchArm, type TorchArmOptions } from './start-torch-arm.ts';

const bench = makeArmBench();
afterAll(() => bench.stop());
const [torch] = realTorches();
const gpu = 'GPU-13487536-f86c-19e8-b0d1-26ea633ed567';
// Processes that import torch take long where many do at once.
const PATIENCE_MS = 180_000;
const SMALL = 'matmul:dtype=fp32,n=64';

const start = (wish: ArmWish, more: Partial<TorchArmOptions> = {}, signal = new AbortController().signal, log: (text: string) => void = () => undefined): Promise<Arm> =>
  startTorchArm(wish, signal, log, { runScript: bench.runScript, placeName: () => null, codeToggle: (toggle) => toggle, peerOf: () => null, ...more });
const refused = (wish: ArmWish, more: Partial<TorchArmOptions> = {}): Promise<Problem> => problemFrom(start(wish, more));
/** In the place of an interpreter. */
function program(name: string, text: string): Environment {
  const path = join(bench.folder, name);
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return asEnvironment(path);
}
/** A package that starts CUDA by this code. */
const cudaThat = (init: string): string => `import os, time\ndef tensor(*a): pass\nrandn = tensor\n__version__ = '9.9'\nclass version:\n    cuda = '13.0'\nclass cuda:\n    @staticmethod\n    def init():\n        ${init}\n`;

describe.skipIf(process.platform === 'win32')('torch that does not work', { timeout: PATIENCE_MS }, () => {
  it('cannot be imported', async () => {
    expect(await refused(torchWish(bench.environmentWith("raise ImportError('libcudnn.so.9: cannot open shared object file')"), SMALL))).toMatchObject({ code: 'bench.torch_fails', facts: { detail: 'ImportError: libcudnn.so.9: cannot open shared object file' } });
    expect(await refused(torchWish(bench.environmentWith(null), SMALL))).toMatchObject({ code: 'bench.torch_fails', facts: { detail: "ModuleNotFoundError: No module named 'torch'" } });
    expect((await refused(torchWish(bench.environmentWith(''), SMALL))).cause).toContain('has no tensors');
    expect((await refused(torchWish(bench.environmentWith('import os\nos.kill(os.getpid(), 11)'), SMALL))).cause).toContain('SIGSEGV during "import"');
    expect((await refused(torchWish(bench.environmentWith('import os\nos._exit(3)'), SMALL))).code).toBe('bench.torch_fails');
  });

  it('CUDA does not start, or hangs while it starts', async () => {
    expect(await refused(torchWish(bench.environmentWith(cudaThat("raise RuntimeError('no CUDA-capable device is detected')")), SMALL, { place: gpu }))).toMatchObject({ code: 'bench.torch_fails', facts: { detail: 'RuntimeError: no CUDA-capable device is detected' } });
    const environment = bench.environmentWith(cudaThat("open(os.environ['PID_FILE'], 'w').write(str(os.getpid())); time.sleep(1000)"));
    const file = join(bench.folder, 'pid');
    const problem = await refused(torchWish(environment, SMALL, { place: gpu, variables: { PID_FILE: file } }), { limits: { prepareMs: 8000 } });
    expect(problem).toMatchObject({ code: 'bench.hangs', facts: { doing: 'context', seconds: '8' } });
    expect(problem.cause).toContain(environment.prefix);
    expect(problem.chain.join()).toMatch(/Last frame: .*in init/);
    expect(isProcessAlive(Number(readFileSync(file, 'utf8')))).toBe(false);
  });

  it('garbage in the place of answers, silence, or no program at all', async () => {
    expect(await refused(torchWish(program('babbles', '#!/bin/sh\necho "I am no Python"\n'), SMALL))).toMatchObject({ code: 'python.garbage' });
    const hello = `echo '{"t":"hello","script":"measure_arm.py","python":"3","pid":2}'`;
    expect(await refused(torchWish(program('misfit', `#!/bin/sh\n${hello}\necho '{"t":"item","data":{"ready":[1]}}'\nexec sleep 1000\n`), SMALL))).toMatchObject({ code: 'python.garbage' });
    expect(await refused(torchWish(program('silent', '#!/bin/sh\nexec sleep 1000\n'), SMALL), { limits: { startMs: 1000 } })).toMatchObject({ code: 'bench.hangs', facts: { seconds: '1' } });
    expect(await refused(torchWish(asEnvironment(join(bench.folder, 'nothing', 'bin', 'python')), SMALL))).toMatchObject({ code: 'program.not_found' });
    const arm = await start(torchWish(program('liar', `#!/bin/sh\n${hello}\necho '{"t":"item","data":{"ready":{}}}'\nread line\necho '{"t":"item","data":{"id":1,"answer":{"value":-1}}}'\nexec sleep 1000\n`), SMALL));
    expect(await problemFrom(arm.sample())).toMatchObject({ code: 'python.garbage' });
    await arm.end();
    const unasked = await start(torchWish(program('unasked', `#!/bin/sh\n${hello}\necho '{"t":"item","data":{"ready":{}}}'\nread line\necho '{"t":"item","data":{"id":77,"answer":{}}}'\nexec sleep 1000\n`), SMALL));
    expect(await problemFrom(unasked.sample())).toMatchObject({ code: 'python.garbage' });
    await unasked.end();
  });

  it('hangs in the middle: ended with its children', async () => {
    const environment = program('stops', `#!/bin/sh\ntrap "" TERM\nsleep 1000 &\necho '{"t":"hello","script":"measure_arm.py","python":"3","pid":2}'\necho '{"t":"item","data":{"ready":{"child":'$!'}}}'\nread line\nwait\n`);
    const arm = await start(torchWish(environment, SMALL), { limits: { answerMs: 1000 } });
    expect(await problemFrom(arm.sample())).toMatchObject({ code: 'bench.hangs', facts: { what: SMALL, seconds: 1 } });
    await arm.end();
    expect(isProcessAlive(Number(arm.facts['child']))).toBe(false);
  });

  it('what cannot be asked for is refused before anything is started', async () => {
    const environment = asEnvironment('/nonexistent/python');
    expect(await refused(torchWish(null, SMALL))).toMatchObject({ code: 'bench.no_torch' });
    for (const workload of ['nothing', 'matmul:n=1000000', 'matmul:dtype=fp32,dtype=bf16', 'matmul:size=3', 'toString', 'copy:bytes=-1', 'matmul:unit=tok/s']) expect(await refused(torchWish(environment, workload)), workload).toMatchObject({ code: 'bench.case_fails' });
    expect(await refused(torchWish(environment, 'host_copy'))).toMatchObject({ code: 'bench.no_place' });
    expect(await refused(torchWish(environment, 'peer_copy', { place: gpu }))).toMatchObject({ code: 'bench.no_place' });
    expect(await refused(torchWish(environment, SMALL, { place: 'GPU-1; rm' }))).toMatchObject({ code: 'bench.no_place' });
    expect(await problemFrom(start(torchWish(environment, SMALL, { workload: 'matmul:n=2,x' })))).toMatchObject({ code: 'bench.case_fails' });
  });
});

describe.skipIf(process.platform === 'win32' || torch === undefined)('a real torch in trouble', { timeout: PATIENCE_MS }, () => {
  const environment = asEnvironment(torch ?? '');

  it('too little memory', async () => {
    // A square of scores for each of 65,536 heads: petabytes.
    const problem = await refused(torchWish(environment, 'attention:batch=256,heads=256,length=65536,dim=64,dtype=fp32'));
    expect(problem).toMatchObject({ code: 'bench.no_memory', facts: { place: 'the processor' } });
    expect(problem.facts['detail']).toMatch(/MiB are free|allocate memory/);
  });

  it('unknown switches, and those that cannot show there, are named and nothing is measured', async () => {
    const wish = (toggleId: string, value: string, workload = SMALL): ArmWish => torchWish(environment, workload, { toggles: [{ toggleId, value }] });
    expect(await refused(wish('warp_speed', 'on'))).toMatchObject({ code: 'toggle.unavailable', facts: { title: 'warp_speed=on' } });
    expect(await refused(wish('compile', 'ludicrous'))).toMatchObject({ code: 'toggle.unavailable', facts: { title: 'compile=ludicrous' } });
    expect(await refused(wish('tf32', 'high'))).toMatchObject({ code: 'toggle.unavailable', facts: { detail: 'TF32 exists on GPUs only' } });
    expect(await refused(wish('beams', '4'))).toMatchObject({ code: 'toggle.workload', facts: { title: 'beams', workloads: 'generate' } });
  });

  it('a type that the place does not have', async () => {
    expect(await refused(torchWish(environment, 'matmul:dtype=fp8,n=256'))).toMatchObject({ code: 'bench.no_place' });
    expect(await refused(torchWish(environment, 'training_step:layers=1,width=100,heads=3,vocabulary=256,batch=1,length=16'))).toMatchObject({ code: 'bench.case_fails', facts: { detail: 'ValueError: width must be a multiple of heads' } });
  });

  it('killed in the middle, aborted in the middle, ended in the middle: nobody is left', async () => {
    const killed = await start(torchWish(environment, SMALL));
        const warming = problemFrom(killed.warmUp(600));
    process.kill(Number(killed.facts['pid']), 'SIGKILL');
    expect(await warming).toMatchObject({ code: 'bench.case_fails', facts: { what: SMALL } });
    expect((await problemFrom(killed.sample())).cause).toContain('SIGKILL');
    await killed.end();

    const controller = new AbortController();
    const aborted = await start(torchWish(environment, SMALL), {}, controller.signal);
    const going = aborted.warmUp(600);
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(going).rejects.toBe(reason);
    await aborted.end();
    expect(isProcessAlive(Number(aborted.facts['pid']))).toBe(false);

    const ended = await start(torchWish(environment, SMALL));
    const last = problemFrom(ended.warmUp(600));
    await ended.end();
    expect((await last).code).toBe('bench.case_fails');
    expect(isProcessAlive(Number(ended.facts['pid']))).toBe(false);
  });
});
