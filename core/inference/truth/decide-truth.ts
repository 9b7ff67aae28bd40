import type { BackendKind, GpuTruth, TruthCheck } from '../../../contract/inference.ts';
import type { WorkerLoadReport } from '../../../contract/inference-worker.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../contract/problem.ts';
import { checkEvidence, type Checked } from './check-evidence.ts';
import { listPlaced } from './list-placed.ts';
import type { RealGpu, TruthEvidence } from './truth-evidence.ts';

const NAMES: Readonly<Record<BackendKind, string>> = { cuda: 'CUDA', vulkan: 'Vulkan', cpu: 'the CPU' };

/** Where a model really is, by what the engine says and what the driver says of its process. Pure. */
export function decideTruth(evidence: TruthEvidence): GpuTruth {
  const { report, asked, gpus } = evidence;
  if (report === null) return unproved(evidence, 'Not known yet', 'The model is being loaded.', []);
  if (report.backend === 'cpu' || report.gpuLayers === 0) {
    const wanted = gpus.length > 0 && asked.backend !== 'cpu' && asked.gpuLayers !== 0;
    return wanted || asked.backend === 'cuda' || asked.backend === 'vulkan' ? notOnGpu(evidence, report) : onCpu(evidence, report);
  }
  if (gpus.length === 0) return unproved(evidence, 'Not checked', `The engine says that ${report.gpuLayers} of ${report.layers} layers are on a GPU; no driver is read here that could confirm it.`, []);
  return onGpu(evidence, report, checkEvidence(evidence, report));
}

/** The processor, as asked for or because there is nothing else. */
function onCpu(evidence: TruthEvidence, report: WorkerLoadReport): GpuTruth {
  const because = evidence.gpus.length === 0 ? 'no real GPU is in this machine' : 'that was asked for';
  return { ...basis(evidence, report), verdict: 'cpu_as_asked', colour: 'grey', title: 'On the CPU', sentence: `It runs on the processor (${evidence.cpuName}), because ${because}.` };
}

function notOnGpu(evidence: TruthEvidence, report: WorkerLoadReport): GpuTruth {
  const { asked, gpus, why } = evidence;
  const wish = asked.backend === 'auto' ? (gpus[0]?.name ?? 'a GPU') : NAMES[asked.backend];
  const sentence = `It runs on the processor; meant was ${wish}. ${why}`.trim();
  const remedy = gpus.length === 0 ? 'Choose the CPU, or see "warpdeck doctor" for what is wrong with the GPU.' : 'See Settings, Engine: what the other builds of llama.cpp need is said there.';
  const check: TruthCheck = { check: 'backend', expected: wish, found: 'CPU', agrees: false };
  return { ...basis(evidence, report), verdict: 'not_on_gpu', colour: 'red', title: 'Not on the GPU', sentence, checks: [check], problem: makeProblem('truth.not_on_gpu', { detail: sentence, remedy }) };
}

function onGpu(evidence: TruthEvidence, report: WorkerLoadReport, checked: Checked): GpuTruth {
  const { asked, meant } = evidence;
  const found = { ...basis(evidence, report), checks: [...checked.checks] };
  const where = names(meant);
  const all = report.gpuLayers >= report.layers;
  const layers = all ? `All ${report.layers} layers` : `${report.gpuLayers} of ${report.layers} layers`;
  if (checked.elsewhere.length > 0) {
    const sentence = `It was to run on ${where}; the driver finds its process on ${names(checked.elsewhere)}.`;
    return { ...found, verdict: 'other_gpu', colour: 'red', title: 'On another GPU', sentence, problem: problem('truth.other_gpu', sentence, 'Unload the model and load it again with the GPU chosen by name.') };
  }
  if (checked.absent) {
    const sentence = `The engine says that ${lower(layers)} are on ${where}; the driver finds nothing of its process there.`;
    return { ...found, verdict: 'not_on_gpu', colour: 'red', title: 'Not on the GPU', sentence, problem: problem('truth.not_on_gpu', sentence, 'Unload the model and load it again; try another backend in the engine settings.') };
  }
  if (checked.spilledBytes > 0) {
    const sentence = `${gigabytes(checked.spilledBytes)} of it are not in the memory of ${where} but in the machine's, which is many times slower.`;
    return { ...found, verdict: 'partly_on_gpu', colour: 'red', title: 'Spilled to the machine\'s memory', sentence, problem: problem('truth.partly', sentence, 'Load it with a shorter context, fewer layers or a smaller quantisation, or free memory on the GPU.') };
  }
  if (!all) {
    const asAsked = asked.gpuLayers !== null && report.gpuLayers >= asked.gpuLayers;
    const sentence = `${layers} are on ${where}; the others run on the processor${asAsked ? ', as asked for' : '. More did not fit'}.`;
    const colour = asked.gpuLayers === null || asAsked ? 'amber' : 'red';
    return { ...found, verdict: 'partly_on_gpu', colour, title: `Partly on the GPU, ${report.gpuLayers} of ${report.layers}`, sentence, problem: problem('truth.partly', sentence, 'Free memory on the GPU, or choose a shorter context or a smaller quantisation, and load it again.') };
  }
  if (checked.idle) {
    const sentence = `${layers} are said to be on ${where}, but it neither drew power nor showed load while the model answered.`;
    return { ...found, verdict: 'unproved', colour: 'amber', title: 'Not proved', sentence };
  }
  const proof = checked.agreeing.length === 0 ? null : `The engine says so, and ${list(checked.agreeing)} ${checked.agreeing.length === 1 && checked.agreeing[0] !== 'power and load' ? 'agrees' : 'agree'}.`;
  if (otherBackend(evidence, report)) {
    const wish = asked.backend === 'auto' ? 'cuda' : asked.backend;
    const sentence = `${layers} are on ${where}, but through ${NAMES[report.backend]} instead of ${NAMES[wish]}, which is usually faster. ${evidence.why}`.trim();
    return { ...found, verdict: 'on_gpu', colour: asked.backend === 'auto' ? 'amber' : 'red', title: `On the GPU, through ${NAMES[report.backend]}`, sentence, problem: { ...problem('truth.other_backend', sentence, 'See Settings, Engine: what the CUDA build needs is said there.', NAMES[report.backend]) } };
  }
  if (proof === null) return { ...found, verdict: 'unproved', colour: 'grey', title: 'Not proved yet', sentence: `${layers} are on ${where}, the engine says. ${evidence.processUnknown ?? 'The driver has not confirmed it yet; the first answer will show it.'}` };
  return { ...found, verdict: 'on_gpu', colour: 'green', title: 'On the GPU', sentence: `${layers} are on ${where}. ${proof}` };
}

/** Vulkan where CUDA was asked for, or is what an NVIDIA GPU is made for; CUDA where Vulkan was asked for. */
function otherBackend({ asked }: TruthEvidence, report: WorkerLoadReport): boolean {
  return asked.backend === 'auto' ? report.backend === 'vulkan' : asked.backend !== report.backend;
}

function basis(evidence: TruthEvidence, report: WorkerLoadReport): Omit<GpuTruth, 'verdict' | 'colour' | 'title' | 'sentence'> {
  return { backend: report.backend, layersOnGpu: report.backend === 'cpu' ? 0 : report.gpuLayers, layers: report.layers, placed: listPlaced(evidence, report), checks: [], problem: null, atMs: evidence.atMs };
}

function unproved(evidence: TruthEvidence, title: string, sentence: string, checks: readonly TruthCheck[]): GpuTruth {
  const { report } = evidence;
  const known = report === null ? { backend: null, layersOnGpu: 0, layers: 0, placed: [], problem: null, atMs: evidence.atMs } : basis(evidence, report);
  return { ...known, verdict: 'unproved', colour: 'grey', title, sentence, checks: [...checks] };
}

function problem(code: 'truth.not_on_gpu' | 'truth.partly' | 'truth.other_gpu' | 'truth.other_backend', detail: string, remedy: string, backend: string | null = null): Problem {
  return makeProblem(code, { detail, remedy, backend });
}

const names = (gpus: readonly RealGpu[]): string => (gpus.length === 0 ? 'the GPU' : list(gpus.map((gpu) => `the ${gpu.name.replace(/^NVIDIA (?:GeForce )?/, '')}`)));
const lower = (text: string): string => text.replace(/^All/, 'all');
const list = (words: readonly string[]): string => (words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`);
const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
