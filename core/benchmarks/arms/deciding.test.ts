import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { makeProblem, type Facts } from '../../../contract/problem-catalogue.ts';
import { allToggles } from '../../optimize/toggles/all-toggles.ts';
import { pythonTools } from '../../testing/python-tools.ts';
import { workloadRecipes } from '../../optimize/effects/workloads.ts';
import { catalogue } from '../catalogue/catalogue.ts';
import { decideArmProblem } from './decide-arm-problem.ts';
import { parseTorchWorkload } from './parse-workload.ts';
import { parseLlamaWorkload } from './start-llama-arm.ts';
import { codeToggles, torchWorkloads } from './torch-workloads.ts';

const scripts = fileURLToPath(new URL('../../../resources/python', import.meta.url));
const { python } = pythonTools();
const inPython = (code: string): unknown => JSON.parse(execFileSync(python, ['-I', '-B', '-c', `import ast, importlib.util, json, os, sys\nfolder = sys.argv[1]\ndef load(name):\n    spec = importlib.util.spec_from_file_location(name, os.path.join(folder, name + '.py'))\n    module = importlib.util.module_from_spec(spec)\n    sys.modules[name] = module\n    spec.loader.exec_module(module)\n    return module\nload('_workload_parts')\nprint(json.dumps(${code}))`, scripts], { encoding: 'utf8' }));

describe('the tables of both languages', () => {
  it('name the same workloads and switches, and the scripts keep to the syntax of Python 3.8', () => {
    expect(inPython("sorted(list(load('_workload_kernels').KERNELS) + list(load('_workload_copies').COPIES) + list(load('_workload_models').MODELS))")).toEqual(Object.keys(torchWorkloads).toSorted());
    expect(inPython("sorted(load('_workload_toggles').TOGGLES)")).toEqual(Object.keys(codeToggles).toSorted());
    expect(inPython("[name for name in sorted(os.listdir(folder)) if name.startswith(('_workload', 'measure')) and ast.parse(open(os.path.join(folder, name)).read(), feature_version=(3, 8))]")).toEqual(readdirSync(scripts).filter((name) => /^(_workload|measure)/.test(name)).toSorted());
  });

  it('every switch that acts inside a process is one that the script has, with that value', () => {
    const named: Readonly<Record<string, readonly string[]>> = codeToggles;
    for (const { toggle, code } of allToggles) {
      for (const { id } of toggle.values) {
        const inside = code(id);
        if (inside === null) continue;
        const values = named[inside.toggleId];
        expect(values, inside.toggleId).toBeDefined();
        expect(values?.includes(inside.value) === true || (values?.includes('…') === true && Number(inside.value) > 0), `${inside.toggleId}=${inside.value}`).toBe(true);
      }
    }
  });

  it('every workload of the catalogue and of the effects is one that an arm has', () => {
    const wished = [...catalogue.flatMap((one) => one.cases.map((each) => each.workload)), ...workloadRecipes.flatMap((one) => [one.gpu, one.cpu])].filter((one) => one !== null);
    expect(wished.length).toBeGreaterThan(30);
    for (const workload of wished) expect(workload.startsWith('llm_') ? parseLlamaWorkload(workload) : parseTorchWorkload(workload), workload).toMatchObject({ ok: true });
  });
});

describe('parseTorchWorkload', () => {
  it('fills in what is left out', () => {
    expect(parseTorchWorkload('matmul')).toEqual({ ok: true, value: { name: 'matmul', parameters: { dtype: 'fp32', n: 4096 }, unit: 'TFLOPS', runs: 'any' } });
    expect(parseTorchWorkload('host_copy:bytes=1024, unit=µs')).toMatchObject({ ok: true, value: { parameters: { direction: 'h2d', memory: 'pinned', bytes: 1024 }, unit: 'us' } });
    expect(parseTorchWorkload('peer_copy:to=GPU-13487536-f86c-19e8-b0d1-26ea633ed567')).toMatchObject({ ok: true, value: { runs: 'gpu' } });
  });
  it.each([
    ['', 'no such workload'], ['constructor', 'no such workload'], ['matmul:', '"" is no parameter'], ['matmul:n', 'is no parameter'], ['matmul:=3', 'is no parameter'], ['matmul:n=16385', 'from 64 to 16384'], ['matmul:n=1e3', 'whole number'],
    ['matmul:n=-64', 'whole number'], ['matmul:n=64,n=65', 'twice'], ['matmul:dtype=fp4', 'dtype is fp32, tf32'], ['matmul:__proto__=1', 'no parameter __proto__'], ['matmul:unit=GB/s', 'only in TFLOPS'],
    ['peer_copy:to=all', 'UUID'], [`matmul:n=${'1'.repeat(500)}`, 'too long'],
  ])('%s', (text, detail) => {
    const parsed = parseTorchWorkload(text);
    expect(parsed.ok ? '' : parsed.detail).toContain(detail);
  });
});

describe('decideArmProblem', () => {
  const subject = { what: 'matmul:n=64', place: 'H200', environment: '/envs/a', library: 'PyTorch' } as const;
  const failed = (facts: Facts): ReturnType<typeof makeProblem> => makeProblem('python.failed', { program: 'python', detail: 'text', signal: null, kind: null, doing: null, ...facts });
  it.each<[Facts, string]>([
    [{ how: 'start', detail: 'it said nothing for 60 s and was ended.' }, 'bench.hangs'],
    [{ how: 'idle', doing: 'context', detail: 'it hung during "context": nothing came for 180 s. Last frame: x, line 2, in init.' }, 'bench.hangs'],
    [{ how: 'total', doing: 'sample', detail: 'it was not ready after 21600 s and was ended during "sample".' }, 'bench.hangs'],
    [{ how: 'problem', kind: 'import' }, 'bench.torch_fails'],
    [{ how: 'problem', kind: 'context' }, 'bench.torch_fails'],
    [{ how: 'problem', kind: 'memory' }, 'bench.no_memory'],
    [{ how: 'problem', kind: 'not_offered' }, 'bench.no_place'],
    [{ how: 'problem', kind: 'toggle', detail: 'compile=default: no triton' }, 'toggle.unavailable'],
    [{ how: 'problem', kind: 'toggle_workload', detail: 'beams: generate' }, 'toggle.workload'],
    [{ how: 'problem', kind: 'exception' }, 'bench.case_fails'],
    [{ how: 'signal', signal: 'SIGSEGV', doing: 'import' }, 'bench.torch_fails'],
    [{ how: 'signal', signal: 'SIGSEGV', doing: 'sample' }, 'bench.case_fails'],
    [{ how: 'exit', exitCode: 1 }, 'bench.torch_fails'],
  ])('%j is %s', (facts, code) => {
    const decided = decideArmProblem(failed(facts), subject);
    expect(decided?.code).toBe(code);
    const { cause, remedy } = makeProblem(decided?.code ?? 'bench.unknown', decided?.facts);
    expect(`${cause} ${remedy}`).not.toContain('—');
  });
  it('a kill from outside is said with what to do; other problems stay as they are', () => {
    expect(decideArmProblem(failed({ how: 'signal', signal: 'SIGKILL', doing: 'sample' }), subject)?.facts['remedy']).toContain('no memory left');
    expect(decideArmProblem(makeProblem('program.not_found', { program: 'python' }), subject)).toBeNull();
  });
});
