/**
 * THE list: everything that can be asked of the engine, by any face. If it is not here, it does not exist.
 * Requests answer once; `eventIterator` outputs are streams. `meta.effect`: `read`, `write` or `destructive`
 * (which is always two calls, a plan and its application). `meta.stream`: a *gauge* may skip items for a slow
 * reader (newest wins), a *log* never loses one.
 */
import { eventIterator, oc } from '@orpc/contract';
import { z } from 'zod';
import { alertPreview, alertsState } from './alerts.ts';
import { gpuProcess, gpuStreamItem, inventory, processReading, terminatePlan } from './gpu.ts';
import { environmentKind } from './environments.ts';
import { historyEvent, historyQuery, historySeries, historyStatus } from './history.ts';
import { job, jobLogLine } from './jobs.ts';
import { benchmarkDetail, benchmarkInfo, benchmarkOutlook, benchmarkPast, benchmarkRun, benchmarkWish, canaryState, runComparison } from './benchmarks.ts';
import { application, applyMeans, applyPlan, chosenToggle, commandWorkload, componentHealth, deviceChange, devicePlan, deviceSetting, effectCard, launchPlan, measureWish, optimizeOverview, optimizeSubject, patternCheck, profile, slowReport, toggle, tuneResult, tuneWish, workload } from './optimize.ts';
import { problem } from './problem.ts';
import { secretStatus, settingsPatch, settingsStatus } from './settings.ts';
import { chatEvent, comparison, comparisonWish, conversation, conversationHit, conversationPage, promptSet, sendInput } from './chat.ts';
import { comparisonChange } from './comparison-change.ts';
import { backendsState, engineSettingNote, generateRequest, generationEvent, loadedModel, loadWish, provider, someEngineSettings } from './inference.ts';
import { download, downloadWish, model, modelList, modelOutlook, modelSubject, offeredModel } from './models.ts';
import { advice, upgrade, upgradePlan } from './upgrades.ts';
import { drift, driverFacts, environmentMatrix, environmentReport, forecast, gpuTarget, proof, proofStepName, verdictCell } from './verdict.ts';
import { engineInfo, engineStatus, readinessLine, recordingInfo, simulatedFault, webStatus } from './system.ts';

export interface OperationMeta {
  readonly effect?: 'read' | 'write' | 'destructive';
  readonly stream?: 'gauge' | 'log';
}

/** Every operation may answer with a Problem, in this one error. Its data is the Problem itself. */
const base = oc.$meta<OperationMeta>({}).errors({ PROBLEM: { status: 422, message: 'Problem', data: problem } });

const read = base.meta({ effect: 'read' });
const write = base.meta({ effect: 'write' });
const destructive = base.meta({ effect: 'destructive' });
const gauge = base.meta({ effect: 'read', stream: 'gauge' });
const log = base.meta({ effect: 'read', stream: 'log' });

const ok = z.object({ ok: z.literal(true) });
const none = z.strictObject({});
const id = z.string().min(1).max(128);
/** GPUs to judge for instead of this machine's: names, `12.0` or `sm_120`; and the driver's version. */
const judgeFor = { for: z.array(z.string().min(1).max(120)).max(16).default([]), driver: z.string().max(40).nullable().default(null) };
const path = z.string().min(1).max(4096);

export const api = {
  engine: {
    info: read.route({ method: 'GET', path: '/engine', summary: 'The engine, its machine and its data folder' }).input(none).output(engineInfo),
    watch: gauge.route({ method: 'GET', path: '/engine/status', summary: 'Load, faces, workers and notices, once a second' }).input(none).output(eventIterator(engineStatus)),
    stop: write.route({ method: 'POST', path: '/engine/stop', summary: 'End the engine; refused while jobs run unless told to cancel them' }).input(z.strictObject({ cancelJobs: z.boolean().default(false) })).output(ok),
    report: read.route({ method: 'GET', path: '/engine/report', summary: 'Redacted support bundle as text' }).input(none).output(z.object({ fileName: z.string(), text: z.string() })),
    readiness: gauge.route({ method: 'GET', path: '/engine/readiness', summary: 'What stands between this machine and work' }).input(none).output(eventIterator(z.array(readinessLine))),
    startWeb: write.route({ method: 'POST', path: '/engine/web/start', summary: 'Open the web face on TCP' }).input(z.strictObject({ host: z.string().max(255).default('127.0.0.1'), port: z.int().min(0).max(65_535).nullable().default(null), insecure: z.boolean().default(false), cert: z.string().max(4096).nullable().default(null), key: z.string().max(4096).nullable().default(null), token: z.string().min(16).max(256).nullable().default(null), stay: z.boolean().default(false) })).output(webStatus.extend({ token: z.string(), metricsToken: z.string() })),
    stopWeb: write.route({ method: 'POST', path: '/engine/web/stop', summary: 'Close the web face' }).input(none).output(ok),
    problems: read.route({ method: 'GET', path: '/engine/problems', summary: 'The catalogue of problems' }).input(none).output(z.array(problem)),
  },
  gpus: {
    list: read.route({ method: 'GET', path: '/gpus', summary: 'Devices, driver and the state of the source' }).input(none).output(inventory),
    watchInventory: gauge.route({ method: 'GET', path: '/gpus/inventory', summary: 'The device list whenever it changes' }).input(none).output(eventIterator(inventory)),
    watch: gauge.route({ method: 'GET', path: '/gpus/samples', summary: 'Live readings of all devices' }).input(z.strictObject({ rateHz: z.number().min(0.1).max(10).default(10) })).output(eventIterator(gpuStreamItem)),
    refresh: write.route({ method: 'POST', path: '/gpus/refresh', summary: 'Look for the driver and the devices again now' }).input(none).output(inventory),
    processes: read.route({ method: 'GET', path: '/gpus/processes', summary: 'Processes on the GPUs' }).input(none).output(processReading),
    watchProcesses: gauge.route({ method: 'GET', path: '/gpus/processes/live', summary: 'Processes on the GPUs, every two seconds' }).input(none).output(eventIterator(processReading)),
    processHistory: read.route({ method: 'GET', path: '/gpus/processes/history', summary: 'Memory and SM use of one process while it was watched' }).input(z.strictObject({ pid: z.int().min(1), startTicks: z.string().max(32).nullable().default(null) })).output(z.array(z.object({ atMs: z.number(), gpuUuid: z.string(), memUsedBytes: z.number().nullable(), utilSmPercent: z.number().nullable() }))),
    planTerminate: destructive.route({ method: 'POST', path: '/gpus/processes/terminate/plan', summary: 'Who would be ended, checked now' }).input(z.strictObject({ pid: z.int().min(1), startTicks: z.string().max(32).nullable().default(null), signal: z.enum(['TERM', 'KILL']).default('TERM') })).output(terminatePlan),
    terminate: destructive.route({ method: 'POST', path: '/gpus/processes/terminate', summary: 'Apply a plan: ends the process if it is still the same one' }).input(z.strictObject({ planId: id })).output(gpuProcess.pick({ pid: true }).extend({ signalled: z.boolean() })),
    simulateFault: write.route({ method: 'POST', path: '/gpus/simulated-fault', summary: 'Bring a fault upon simulated devices' }).input(simulatedFault).output(ok),
  },
  history: {
    query: read.route({ method: 'GET', path: '/history', summary: 'Series between two times' }).input(historyQuery).output(z.array(historySeries)),
    events: read.route({ method: 'GET', path: '/history/events', summary: 'Driver changes, alerts, gaps between two times' }).input(z.strictObject({ fromMs: z.number(), toMs: z.number() })).output(z.array(historyEvent)),
    status: read.route({ method: 'GET', path: '/history/status', summary: 'Size, age and state of the store' }).input(none).output(historyStatus),
    export: log.route({ method: 'GET', path: '/history/export', summary: 'History as CSV or JSON lines, in pieces of text' }).input(z.strictObject({ fromMs: z.number(), toMs: z.number(), format: z.enum(['csv', 'jsonl']) })).output(eventIterator(z.object({ text: z.string() }))),
  },
  recordings: {
    start: write.route({ method: 'POST', path: '/recordings', summary: 'Record what the source says as a replayable file (a job)' }).input(z.strictObject({ seconds: z.number().min(1).max(86_400), note: z.string().max(500).nullable().default(null) })).output(job),
    list: read.route({ method: 'GET', path: '/recordings', summary: 'Recordings in the data folder' }).input(none).output(z.array(recordingInfo)),
  },
  environments: {
    matrix: read.route({ method: 'GET', path: '/environments', summary: 'Environments × GPUs as last judged; the first question starts a scan' }).input(none).output(environmentMatrix),
    watch: gauge.route({ method: 'GET', path: '/environments/live', summary: 'The matrix whenever it changes' }).input(none).output(eventIterator(environmentMatrix)),
    scan: write.route({ method: 'POST', path: '/environments/scan', summary: 'Find and read all environments again (a job)' }).input(none).output(job),
    get: read.route({ method: 'GET', path: '/environments/{id}', summary: 'One environment: all that was read of it, verdicts with evidence, companions, pins, proofs' }).input(z.strictObject({ id })).output(environmentReport),
    judge: read.route({ method: 'POST', path: '/environments/judge', summary: 'Verdicts now, for GPUs and a driver that may be named, of all environments or one folder' }).input(z.strictObject({ ...judgeFor, env: path.nullable().default(null) })).output(z.object({ targets: z.array(gpuTarget), driver: driverFacts, reports: z.array(environmentReport), problems: z.array(problem) })),
    judgeImage: read.route({ method: 'POST', path: '/environments/judge-image', summary: 'Verdict for a container image by its tag, from the tables' }).input(z.strictObject({ ...judgeFor, image: z.string().min(1).max(300) })).output(z.object({ image: z.string(), targets: z.array(gpuTarget), driver: driverFacts, cells: z.array(verdictCell), notes: z.array(z.string()) })),
    advise: read.route({ method: 'POST', path: '/environments/advise', summary: 'Every route that applies, for all GPUs together; advice that does not work here' }).input(z.strictObject({ ...judgeFor, id: id.nullable().default(null) })).output(advice),
    forecasts: read.route({ method: 'GET', path: '/environments/forecasts', summary: 'Which of the GPUs a coming release drops' }).input(none).output(z.array(z.object({ gpuKey: z.string(), forecast }))),
    prove: write.route({ method: 'POST', path: '/environments/prove', summary: 'Run kernels on each GPU in child processes (a job). Runs this environment’s code' }).input(z.strictObject({ id, gpus: z.array(z.string()).nullable().default(null), steps: z.array(proofStepName).nullable().default(null) })).output(job),
    proofs: read.route({ method: 'GET', path: '/environments/proofs', summary: 'Proofs of an environment, newest first' }).input(z.strictObject({ id: id.nullable().default(null) })).output(z.array(proof)),
    addFolder: write.route({ method: 'POST', path: '/environments/folders', summary: 'Search this folder too' }).input(z.strictObject({ path })).output(z.array(z.string())),
    removeFolder: write.route({ method: 'POST', path: '/environments/folders/remove', summary: 'No longer search this folder' }).input(z.strictObject({ path })).output(z.array(z.string())),
    drift: read.route({ method: 'GET', path: '/environments/drift', summary: 'What others changed, newest first' }).input(none).output(z.array(drift)),
    watchDrift: gauge.route({ method: 'GET', path: '/environments/drift/live', summary: 'What others changed, whenever it grows' }).input(none).output(eventIterator(z.array(drift))),
    seeDrift: write.route({ method: 'POST', path: '/environments/drift/seen', summary: 'This change is known and wanted' }).input(z.strictObject({ id })).output(ok),
    kinds: read.route({ method: 'GET', path: '/environments/kinds', summary: 'What kinds of environments are known' }).input(none).output(z.array(environmentKind)),
  },
  upgrades: {
    plan: destructive.route({ method: 'POST', path: '/upgrades/plan', summary: 'Resolve a repair without changing anything: what goes, what comes, what it costs' }).input(z.strictObject({ id, target: z.string().max(80).nullable().default(null), route: z.string().max(80).nullable().default(null), ...judgeFor })).output(upgradePlan),
    apply: destructive.route({ method: 'POST', path: '/upgrades', summary: 'Apply a plan: snapshot, install, verify, commit or put back (a job)' }).input(z.strictObject({ planId: id, agree: z.boolean().default(false), smokeCommand: z.array(z.string().max(4096)).max(64).nullable().default(null) })).output(job),
    planRollback: destructive.route({ method: 'POST', path: '/upgrades/rollback/plan', summary: 'What undoing an upgrade would change; offline' }).input(z.strictObject({ id: id.nullable().default(null), environmentId: id })).output(upgradePlan),
    rollback: destructive.route({ method: 'POST', path: '/upgrades/rollback', summary: 'Apply a plan of undoing (a job)' }).input(z.strictObject({ planId: id, agree: z.boolean().default(false) })).output(job),
    list: read.route({ method: 'GET', path: '/upgrades', summary: 'The journal, newest first' }).input(z.strictObject({ environmentId: id.nullable().default(null) })).output(z.array(upgrade)),
    watch: gauge.route({ method: 'GET', path: '/upgrades/live', summary: 'The journal whenever it changes' }).input(none).output(eventIterator(z.array(upgrade))),
    forget: destructive.route({ method: 'POST', path: '/upgrades/forget', summary: 'Give the disk of a snapshot back; that upgrade cannot be undone any more' }).input(z.strictObject({ id })).output(ok),
  },
  models: {
    list: read.route({ method: 'GET', path: '/models', summary: 'Model files on this machine, those of other programs too; the first question starts a search' }).input(none).output(modelList),
    watch: gauge.route({ method: 'GET', path: '/models/live', summary: 'The model list whenever it changes' }).input(none).output(eventIterator(modelList)),
    search: write.route({ method: 'POST', path: '/models/search', summary: 'Look for model files again now' }).input(none).output(modelList),
    get: read.route({ method: 'GET', path: '/models/{id}', summary: 'One model by id, path or name, its header read again' }).input(z.strictObject({ id: path })).output(model),
    offered: read.route({ method: 'GET', path: '/models/offered', summary: 'The short list that Warpdeck proposes, and repositories that were looked up: what each file would need and give here' }).input(none).output(z.array(offeredModel)),
    lookUp: read.route({ method: 'POST', path: '/models/look-up', summary: 'GGUF files of a repository on the model hub' }).input(z.strictObject({ repository: z.string().min(3).max(200), revision: z.string().max(200).nullable().default(null) })).output(offeredModel),
    outlook: read.route({ method: 'POST', path: '/models/outlook', summary: 'Memory and speed of a model on every GPU and the CPU, before it is loaded or even downloaded' }).input(z.strictObject({ subject: modelSubject, settings: someEngineSettings.default({}) })).output(modelOutlook),
    measure: write.route({ method: 'POST', path: '/models/measure', summary: 'Measure speed with this file, or with a synthetic model of the same shapes (a job)' }).input(z.strictObject({ subject: modelSubject, place: z.string().max(128).nullable().default(null), settings: someEngineSettings.default({}) })).output(job),
    verify: write.route({ method: 'POST', path: '/models/verify', summary: 'Compare a file with the checksum of its origin (a job)' }).input(z.strictObject({ id: path })).output(job),
    addFolder: write.route({ method: 'POST', path: '/models/folders', summary: 'Search this folder, or add this file' }).input(z.strictObject({ path })).output(modelList),
    removeFolder: write.route({ method: 'POST', path: '/models/folders/remove', summary: 'No longer search this folder' }).input(z.strictObject({ path })).output(modelList),
    planRemove: destructive.route({ method: 'POST', path: '/models/remove/plan', summary: 'Which files would be deleted' }).input(z.strictObject({ id: path })).output(z.object({ planId: z.string(), name: z.string(), files: z.array(z.string()), bytes: z.number() })),
    remove: destructive.route({ method: 'POST', path: '/models/remove', summary: 'Apply a plan: delete the files' }).input(z.strictObject({ planId: id })).output(ok),
  },
  downloads: {
    list: read.route({ method: 'GET', path: '/downloads', summary: 'Downloads that run, wait, are paused or ended' }).input(none).output(z.array(download)),
    watch: gauge.route({ method: 'GET', path: '/downloads/live', summary: 'Downloads as they go on' }).input(none).output(eventIterator(z.array(download))),
    start: write.route({ method: 'POST', path: '/downloads', summary: 'Get a model (a job); the same wish twice is one download' }).input(downloadWish).output(download),
    pause: write.route({ method: 'POST', path: '/downloads/{id}/pause', summary: 'Stop for now; what is there is kept' }).input(z.strictObject({ id })).output(download),
    resume: write.route({ method: 'POST', path: '/downloads/{id}/resume', summary: 'Go on where it stopped' }).input(z.strictObject({ id })).output(download),
    cancel: write.route({ method: 'POST', path: '/downloads/{id}/cancel', summary: 'Give up, and throw away what is there' }).input(z.strictObject({ id })).output(download),
  },
  inference: {
    backends: read.route({ method: 'GET', path: '/inference/backends', summary: 'Builds of llama.cpp, what they promise for these GPUs, whether a trial ran, which one is chosen and why' }).input(none).output(backendsState),
    watchBackends: gauge.route({ method: 'GET', path: '/inference/backends/live', summary: 'The builds whenever something about them changes' }).input(none).output(eventIterator(backendsState)),
    tryBackends: write.route({ method: 'POST', path: '/inference/backends/try', summary: 'Forget the trials and make them again' }).input(none).output(backendsState),
    fetchRuntime: write.route({ method: 'POST', path: '/inference/backends/runtime', summary: 'Fetch the CUDA runtime and cuBLAS as wheels (a job)' }).input(none).output(job),
    build: write.route({ method: 'POST', path: '/inference/backends/build', summary: 'Build llama.cpp for this GPU from the sources that are shipped (a job)' }).input(z.strictObject({ kind: z.enum(['cuda', 'vulkan', 'cpu']).default('cuda') })).output(job),
    settingNotes: read.route({ method: 'GET', path: '/inference/settings', summary: 'Engine settings: what each does, and whether it changes answers' }).input(none).output(z.array(engineSettingNote)),
    loaded: read.route({ method: 'GET', path: '/inference/loaded', summary: 'Models in memory, where they really are, and how fast' }).input(none).output(z.array(loadedModel)),
    watchLoaded: gauge.route({ method: 'GET', path: '/inference/loaded/live', summary: 'Models in memory whenever something changes, twice a second while they work' }).input(none).output(eventIterator(z.array(loadedModel))),
    load: write.route({ method: 'POST', path: '/inference/load', summary: 'Load a model; answers when it is ready' }).input(loadWish.strict()).output(loadedModel),
    unload: write.route({ method: 'POST', path: '/inference/unload', summary: 'Unload a model; what it is writing ends as interrupted' }).input(z.strictObject({ id })).output(ok),
    setProfile: write.route({ method: 'POST', path: '/inference/profile', summary: 'Settings with which this model is loaded from now on' }).input(z.strictObject({ modelId: z.string().min(1).max(4096), settings: someEngineSettings })).output(ok),
    generate: base.meta({ effect: 'write', stream: 'log' }).route({ method: 'POST', path: '/inference/generate', summary: 'One answer of a model, which is loaded where needed, as it comes' }).input(z.strictObject({ model: loadWish, request: generateRequest.partial().default({}) })).output(eventIterator(generationEvent)),
    providers: read.route({ method: 'GET', path: '/inference/providers', summary: 'Other servers with the API of OpenAI' }).input(none).output(z.array(provider)),
    watchProviders: gauge.route({ method: 'GET', path: '/inference/providers/live', summary: 'The servers whenever something changes' }).input(none).output(eventIterator(z.array(provider))),
    addProvider: write.route({ method: 'POST', path: '/inference/providers', summary: 'Add a server, asked for its models at once' }).input(z.strictObject({ name: z.string().min(1).max(200), baseUrl: z.string().min(8).max(1000), key: z.string().max(4096).nullable().default(null) })).output(provider),
    removeProvider: write.route({ method: 'POST', path: '/inference/providers/remove', summary: 'Forget a server and its key' }).input(z.strictObject({ id })).output(ok),
    checkProvider: write.route({ method: 'POST', path: '/inference/providers/check', summary: 'Ask a server for its models again' }).input(z.strictObject({ id })).output(provider),
  },
  chat: {
    list: read.route({ method: 'GET', path: '/chat', summary: 'Conversations, newest first' }).input(none).output(z.array(conversation)),
    watch: gauge.route({ method: 'GET', path: '/chat/live', summary: 'Conversations whenever the list changes' }).input(none).output(eventIterator(z.array(conversation))),
    search: read.route({ method: 'GET', path: '/chat/search', summary: 'Words in titles and messages' }).input(z.strictObject({ text: z.string().min(1).max(500), limit: z.int().min(1).max(500).default(50) })).output(z.array(conversationHit)),
    create: write.route({ method: 'POST', path: '/chat', summary: 'A new conversation' }).input(conversation.pick({ title: true, systemPrompt: true, answerer: true }).partial().strict()).output(conversation),
    update: write.route({ method: 'PATCH', path: '/chat/{id}', summary: 'Title, system prompt, model and settings, shown branch' }).input(z.strictObject({ id, ...conversation.pick({ title: true, systemPrompt: true, answerer: true, headId: true }).partial().shape })).output(conversation),
    page: read.route({ method: 'GET', path: '/chat/{id}', summary: 'Messages of the shown branch; the newest, or those before a place' }).input(z.strictObject({ id, before: z.int().min(0).nullable().default(null), limit: z.int().min(1).max(500).default(100) })).output(conversationPage),
    send: write.route({ method: 'POST', path: '/chat/{conversationId}/send', summary: 'A message of the user; the answer is written to the conversation and told to those who follow it' }).input(sendInput.strict()).output(z.object({ messageId: z.string(), answerId: z.string() })),
    regenerate: write.route({ method: 'POST', path: '/chat/{conversationId}/regenerate', summary: 'Another answer beside this one' }).input(z.strictObject({ conversationId: id, messageId: id })).output(z.object({ answerId: z.string() })),
    stop: write.route({ method: 'POST', path: '/chat/{id}/stop', summary: 'End the answer that is being written; what is there stays' }).input(z.strictObject({ id })).output(ok),
    follow: log.route({ method: 'GET', path: '/chat/{id}/live', summary: 'What happens in a conversation, piece by piece' }).input(z.strictObject({ id })).output(eventIterator(chatEvent)),
    remove: write.route({ method: 'POST', path: '/chat/{id}/remove', summary: 'Put a conversation into the bin, where it stays for 30 days' }).input(z.strictObject({ id })).output(ok),
    restore: write.route({ method: 'POST', path: '/chat/{id}/restore', summary: 'Take a conversation out of the bin' }).input(z.strictObject({ id })).output(conversation),
    export: read.route({ method: 'GET', path: '/chat/{id}/export', summary: 'A conversation as Markdown (the shown branch) or JSON (all)' }).input(z.strictObject({ id, format: z.enum(['markdown', 'json']) })).output(z.object({ fileName: z.string(), text: z.string() })),
  },
  comparisons: {
    list: read.route({ method: 'GET', path: '/comparisons', summary: 'Comparisons without their texts, newest first' }).input(none).output(z.array(comparison)),
    start: write.route({ method: 'POST', path: '/comparisons', summary: 'Let one to three configurations answer the same prompts (a job)' }).input(comparisonWish.strict()).output(comparison),
    get: read.route({ method: 'GET', path: '/comparisons/{id}', summary: 'A comparison with all answers' }).input(z.strictObject({ id })).output(comparison),
    watch: log.route({ method: 'GET', path: '/comparisons/{id}/live', summary: 'A comparison as it is written: all of it, then what changes' }).input(z.strictObject({ id })).output(eventIterator(comparisonChange)),
    vote: write.route({ method: 'POST', path: '/comparisons/{id}/vote', summary: 'Which answer to a prompt is best; null: none is' }).input(z.strictObject({ id, prompt: z.int().min(0), contender: z.int().min(0).max(2).nullable() })).output(comparison),
    export: read.route({ method: 'GET', path: '/comparisons/{id}/export', summary: 'A comparison as Markdown, JSON or CSV' }).input(z.strictObject({ id, format: z.enum(['markdown', 'json', 'csv']) })).output(z.object({ fileName: z.string(), text: z.string() })),
    remove: write.route({ method: 'POST', path: '/comparisons/{id}/remove', summary: 'Forget a comparison' }).input(z.strictObject({ id })).output(ok),
    promptSets: read.route({ method: 'GET', path: '/prompt-sets', summary: 'Sets of prompts for repeatable tests' }).input(none).output(z.array(promptSet)),
    savePromptSet: write.route({ method: 'POST', path: '/prompt-sets', summary: 'Keep a set of prompts; id null: a new one' }).input(z.strictObject({ id: id.nullable().default(null), name: promptSet.shape.name, prompts: promptSet.shape.prompts })).output(promptSet),
    removePromptSet: write.route({ method: 'POST', path: '/prompt-sets/remove', summary: 'Forget a set of prompts' }).input(z.strictObject({ id })).output(ok),
  },
  benchmarks: {
    list: read.route({ method: 'GET', path: '/benchmarks', summary: 'What can be measured' }).input(none).output(z.array(benchmarkInfo)),
    outlook: read.route({ method: 'GET', path: '/benchmarks/outlook', summary: 'Which of them run on this machine, where and with what, and why not; waits for the first search for environments' }).input(none).output(z.array(benchmarkOutlook)),
    run: write.route({ method: 'POST', path: '/benchmarks', summary: 'Run a benchmark (a job). With torch this runs the environment’s code' }).input(benchmarkWish.strict()).output(job),
    history: read.route({ method: 'GET', path: '/benchmarks/runs', summary: 'Stored runs without samples, newest first' }).input(z.strictObject({ name: z.string().max(40).nullable().default(null), place: z.string().max(128).nullable().default(null), limit: z.int().min(1).max(2000).default(200) })).output(z.array(benchmarkRun)),
    watch: gauge.route({ method: 'GET', path: '/benchmarks/live', summary: 'The newest runs whenever one grows' }).input(none).output(eventIterator(z.array(benchmarkRun))),
    past: read.route({ method: 'GET', path: '/benchmarks/past', summary: 'A benchmark over time: its figures run by run, and the newest run of each place whole' }).input(z.strictObject({ name: z.string().min(1).max(40), limit: z.int().min(1).max(2000).default(400) })).output(benchmarkPast),
    get: read.route({ method: 'GET', path: '/benchmarks/runs/{id}', summary: 'One run with all samples, or without any' }).input(z.strictObject({ id, samples: z.boolean().default(true) })).output(benchmarkDetail),
    compare: read.route({ method: 'GET', path: '/benchmarks/compare', summary: 'Two runs, row by row, with significance' }).input(z.strictObject({ a: id, b: id })).output(runComparison),
    export: read.route({ method: 'GET', path: '/benchmarks/runs/{id}/export', summary: 'One run as JSON lines, Markdown, CSV, or as a card to share (SVG)' }).input(z.strictObject({ id, format: z.enum(['jsonl', 'markdown', 'csv', 'svg']) })).output(z.object({ fileName: z.string(), text: z.string() })),
    import: write.route({ method: 'POST', path: '/benchmarks/import', summary: 'Take over the output of llama-bench (-o json or jsonl)' }).input(z.strictObject({ text: z.string().min(2).max(8_000_000) })).output(z.array(benchmarkRun)),
    remove: write.route({ method: 'POST', path: '/benchmarks/remove', summary: 'Forget a run' }).input(z.strictObject({ id })).output(ok),
    canary: read.route({ method: 'GET', path: '/benchmarks/canary', summary: 'What the last minute-long check said' }).input(none).output(canaryState),
    watchCanary: gauge.route({ method: 'GET', path: '/benchmarks/canary/live', summary: 'The check whenever it says something else' }).input(none).output(eventIterator(canaryState)),
    runCanary: write.route({ method: 'POST', path: '/benchmarks/canary', summary: 'Compare this machine with its own history now (a job)' }).input(z.strictObject({ place: z.string().max(128).nullable().default(null) })).output(job),
  },
  optimize: {
    overview: read.route({ method: 'POST', path: '/optimize', summary: 'Every switch in an environment on a GPU: state, and what was measured' }).input(optimizeSubject.strict()).output(optimizeOverview),
    watch: gauge.route({ method: 'GET', path: '/optimize/live', summary: 'Counts up whenever a switch, an effect, a profile or an application changes' }).input(none).output(eventIterator(z.object({ revision: z.int() }))),
    toggles: read.route({ method: 'GET', path: '/optimize/toggles', summary: 'Every switch: what it does, its risk, what is said of it and what is true' }).input(none).output(z.array(toggle)),
    workloads: read.route({ method: 'GET', path: '/optimize/workloads', summary: 'With what switches are measured' }).input(none).output(z.array(workload)),
    measure: write.route({ method: 'POST', path: '/optimize/measure', summary: 'Measure a switch or a set, off against on (a job). Runs the environment’s code' }).input(measureWish.strict()).output(job),
    checkPattern: read.route({ method: 'POST', path: '/optimize/pattern', summary: 'What a pattern finds in a text, before a program is run for its figure' }).input(z.strictObject({ pattern: commandWorkload.shape.pattern, text: z.string().max(100_000).default('') })).output(patternCheck),
    effects: read.route({ method: 'GET', path: '/optimize/effects', summary: 'Effect cards without pairs, newest first' }).input(z.strictObject({ toggleId: z.string().max(60).nullable().default(null), limit: z.int().min(1).max(2000).default(200) })).output(z.array(effectCard)),
    effect: read.route({ method: 'GET', path: '/optimize/effects/{id}', summary: 'One effect card with its pairs' }).input(z.strictObject({ id })).output(effectCard),
    profiles: read.route({ method: 'GET', path: '/optimize/profiles', summary: 'Sets of switches with their measured total' }).input(none).output(z.array(profile)),
    saveProfile: write.route({ method: 'POST', path: '/optimize/profiles', summary: 'Keep a set of switches; id null: a new one' }).input(z.strictObject({ id: z.string().max(60).nullable().default(null), title: z.string().min(1).max(80), toggles: z.array(chosenToggle).min(1).max(20) })).output(profile),
    removeProfile: write.route({ method: 'POST', path: '/optimize/profiles/remove', summary: 'Forget a set of your own' }).input(z.strictObject({ id })).output(ok),
    planApply: destructive.route({ method: 'POST', path: '/optimize/apply/plan', summary: 'What would be written into an environment; with `snippet` nothing' }).input(z.strictObject({ environmentId: z.string().max(4096), toggles: z.array(chosenToggle).min(1).max(20), means: applyMeans.default('snippet') })).output(applyPlan),
    apply: destructive.route({ method: 'POST', path: '/optimize/apply', summary: 'Apply a plan' }).input(z.strictObject({ planId: id, agree: z.boolean().default(false) })).output(application),
    planRevert: destructive.route({ method: 'POST', path: '/optimize/revert/plan', summary: 'What undoing would remove' }).input(z.strictObject({ id })).output(applyPlan),
    revert: destructive.route({ method: 'POST', path: '/optimize/revert', summary: 'Apply a plan of undoing' }).input(z.strictObject({ planId: id })).output(application),
    applications: read.route({ method: 'GET', path: '/optimize/applications', summary: 'What Warpdeck has written into environments, looked at now' }).input(none).output(z.array(application)),
    planLaunch: read.route({ method: 'POST', path: '/optimize/launch', summary: 'Variables with which a program is started so that switches hold in it' }).input(z.strictObject({ toggles: z.array(chosenToggle).max(20).nullable().default(null), profileId: z.string().max(60).nullable().default(null), python: z.string().max(4096).nullable().default(null) })).output(launchPlan),
    deviceSettings: read.route({ method: 'GET', path: '/optimize/devices/{uuid}', summary: 'Persistence, power limit and clocks of a GPU, with their limits' }).input(z.strictObject({ uuid: id })).output(z.array(deviceSetting)),
    planDevice: destructive.route({ method: 'POST', path: '/optimize/devices/plan', summary: 'What would be set, by which command, and when it would be put back' }).input(z.strictObject({ uuid: id, setting: deviceSetting.shape.id, value: z.number() })).output(devicePlan),
    applyDevice: destructive.route({ method: 'POST', path: '/optimize/devices', summary: 'Set it on trial: it is put back by itself unless confirmed' }).input(z.strictObject({ planId: id })).output(deviceChange),
    confirmDevice: write.route({ method: 'POST', path: '/optimize/devices/confirm', summary: 'Keep what is on trial' }).input(z.strictObject({ id })).output(deviceChange),
    revertDevice: write.route({ method: 'POST', path: '/optimize/devices/revert', summary: 'Put a setting back now' }).input(z.strictObject({ id })).output(deviceChange),
    deviceChanges: read.route({ method: 'GET', path: '/optimize/device-changes', summary: 'Changes of GPU settings, newest first' }).input(none).output(z.array(deviceChange)),
    health: read.route({ method: 'POST', path: '/optimize/health', summary: 'Driver, torch, CUDA, cuDNN, attention, compile, llama.cpp: what works, and when that was last proved' }).input(optimizeSubject.strict()).output(z.array(componentHealth)),
    explainSlow: read.route({ method: 'POST', path: '/optimize/why-slow', summary: 'Why is it slow: watches for ten seconds, then ranked causes with a number each' }).input(z.strictObject({ place: z.string().max(128).nullable().default(null), seconds: z.number().min(1).max(60).default(10) })).output(slowReport),
    tune: write.route({ method: 'POST', path: '/optimize/tune', summary: 'Find the fastest engine settings for a model by measuring (a job)' }).input(tuneWish.strict()).output(job),
    tuneResults: read.route({ method: 'GET', path: '/optimize/tune', summary: 'Searches for settings, newest first' }).input(none).output(z.array(tuneResult)),
    watchTune: gauge.route({ method: 'GET', path: '/optimize/tune/live', summary: 'Searches as they go on' }).input(none).output(eventIterator(z.array(tuneResult))),
  },
  jobs: {
    list: read.route({ method: 'GET', path: '/jobs', summary: 'Running and recent jobs' }).input(none).output(z.array(job)),
    watch: gauge.route({ method: 'GET', path: '/jobs/live', summary: 'The job list whenever it changes' }).input(none).output(eventIterator(z.array(job))),
    get: read.route({ method: 'GET', path: '/jobs/{id}', summary: 'One job with its progress and result' }).input(z.strictObject({ id })).output(job),
    attach: log.route({ method: 'GET', path: '/jobs/{id}/log', summary: "A job's log from its beginning, until it ends" }).input(z.strictObject({ id })).output(eventIterator(jobLogLine)),
    cancel: write.route({ method: 'POST', path: '/jobs/{id}/cancel', summary: 'Cancel a job' }).input(z.strictObject({ id })).output(job),
  },
  settings: {
    get: read.route({ method: 'GET', path: '/settings', summary: 'All settings' }).input(none).output(settingsStatus),
    watch: gauge.route({ method: 'GET', path: '/settings/live', summary: 'All settings whenever they change' }).input(none).output(eventIterator(settingsStatus)),
    update: write.route({ method: 'PATCH', path: '/settings', summary: 'Change settings' }).input(settingsPatch).output(settingsStatus),
    secrets: read.route({ method: 'GET', path: '/settings/secrets', summary: 'Which secrets are set, and where they lie' }).input(none).output(z.array(secretStatus)),
    setSecret: write.route({ method: 'POST', path: '/settings/secrets', summary: 'Set or remove a secret' }).input(z.strictObject({ name: z.string().regex(/^(hub_token|provider:[a-z0-9-]{1,64})$/), value: z.string().max(4096).nullable() })).output(secretStatus),
  },
  alerts: {
    list: read.route({ method: 'GET', path: '/alerts', summary: 'Open alerts and those that are over' }).input(z.strictObject({ sinceMs: z.number().nullable().default(null) })).output(alertsState),
    watch: gauge.route({ method: 'GET', path: '/alerts/live', summary: 'Alerts whenever they change' }).input(none).output(eventIterator(alertsState)),
    quiet: write.route({ method: 'POST', path: '/alerts/quiet', summary: 'No notification for an alert (or, with null, for any) until a time' }).input(z.strictObject({ alertId: id.nullable(), untilMs: z.number() })).output(ok),
    preview: read.route({ method: 'GET', path: '/alerts/preview', summary: 'How often the thresholds would have fired' }).input(z.strictObject({ days: z.number().min(1).max(90).default(7) })).output(alertPreview),
  },
};
export type Api = typeof api;
