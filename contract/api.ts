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
import { problem } from './problem.ts';
import { secretStatus, settingsPatch, settingsStatus } from './settings.ts';
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
    setSecret: write.route({ method: 'POST', path: '/settings/secrets', summary: 'Set or remove a secret' }).input(z.strictObject({ name: z.enum(['hub_token']), value: z.string().max(4096).nullable() })).output(secretStatus),
  },
  alerts: {
    list: read.route({ method: 'GET', path: '/alerts', summary: 'Open alerts and those that are over' }).input(z.strictObject({ sinceMs: z.number().nullable().default(null) })).output(alertsState),
    watch: gauge.route({ method: 'GET', path: '/alerts/live', summary: 'Alerts whenever they change' }).input(none).output(eventIterator(alertsState)),
    quiet: write.route({ method: 'POST', path: '/alerts/quiet', summary: 'No notification for an alert (or, with null, for any) until a time' }).input(z.strictObject({ alertId: id.nullable(), untilMs: z.number() })).output(ok),
    preview: read.route({ method: 'GET', path: '/alerts/preview', summary: 'How often the thresholds would have fired' }).input(z.strictObject({ days: z.number().min(1).max(90).default(7) })).output(alertPreview),
  },
};
export type Api = typeof api;
