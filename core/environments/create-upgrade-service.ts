import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FoundEnvironment } from '../../contract/environments.ts';
import type { Job } from '../../contract/jobs.ts';
import { problemError } from '../../contract/problem-catalogue.ts';
import { ProblemError } from '../../contract/problem.ts';
import type { Advice, Route, Upgrade, UpgradePlan } from '../../contract/upgrades.ts';
import type { EnvironmentReport, Proof } from '../../contract/verdict.ts';
import { createGauge } from '../engine/gauge.ts';
import type { JudgeFor, UpgradeServices } from '../engine/services.ts';
import type { JobContext, JobResult, Jobs } from '../jobs/create-jobs.ts';
import type { Logger } from '../logging/logger.ts';
import { requireAutomatic } from './advice/require-automatic.ts';
import type { Environments } from './create-environments.ts';
import { decidePlan, PLAN_VALID_MS } from './decide-plan.ts';
import type { IndexAccess, InstallTool, InstallWish, Resolution } from './install/install-tool.ts';
import type { FoundTools } from './install/find-tools.ts';
import { writeFileAtomic } from '../storage/write-file-atomic.ts';
import { freeze } from './install/freeze.ts';
import { chooseInstallTool } from './install/choose-install-tool.ts';
import { checkEnvironment, readRoom } from './upgrade/check-environment.ts';
import type { Upgrades } from './upgrade/create-upgrades.ts';
import { chooseSnapshotPlace } from './upgrade/snapshot-place.ts';
import { readFingerprint, type Fingerprint } from './upgrade/installed-packages.ts';
import type { UpgradeCheck } from './upgrade/upgrade-input.ts';

export interface UpgradeServiceOptions {
  readonly environments: Environments;
  readonly upgrades: Upgrades;
  readonly tools: () => Promise<FoundTools>;
  readonly access: () => IndexAccess;
  /** PyTorch's own index answers; null: not asked. */
  readonly indexReachable: (signal: AbortSignal) => Promise<boolean | null>;
  /** The route of a target that was named. @throws ProblemError `upgrade.no_route`, `upgrade.kills_gpu`, `upgrade.no_wheel` */
  readonly routeFor: (text: string, report: EnvironmentReport, advice: Advice) => Promise<Route | null>;
  readonly verifyImport: (report: EnvironmentReport, signal: AbortSignal, log: (text: string) => void) => Promise<string>;
  /** Kernels on the GPUs of this machine; none where it has none that counts. */
  readonly proveQuickly: (report: EnvironmentReport, signal: AbortSignal, log: (text: string) => void) => Promise<readonly Proof[]>;
  /** The user's own command. Answers what it ended with; throws when it failed. */
  readonly runSmoke: (command: readonly string[], report: EnvironmentReport, signal: AbortSignal, log: (text: string) => void) => Promise<string>;
  readonly dataFolder: string;
  readonly jobs: Jobs;
  readonly log: Logger;
}

/** What a plan stands on; kept until it is applied or expires. */
interface Held {
  readonly plan: UpgradePlan;
  readonly fingerprint: Fingerprint;
  readonly judge: JudgeFor;
  readonly upgradeId: string | null;
  readonly install: { readonly tool: InstallTool; readonly wish: InstallWish; readonly resolution: Resolution; readonly brokenBefore: readonly string[] } | null;
}

const MAX_PLANS = 32;

/** Plans, applies and undoes: ties advice, tools, transaction and checks together. */
export function createUpgradeService(options: UpgradeServiceOptions): UpgradeServices {
  const { environments, upgrades, jobs } = options;
  const plans = new Map<string, Held>();
  const gauge = createGauge<Upgrade[]>([]);
  upgrades.onChange(() => { gauge.publish([...upgrades.list()]); });

  const hold = (held: Held): UpgradePlan => {
    for (const [id, old] of plans) if (old.plan.expiresAtMs < Date.now()) plans.delete(id);
    while (plans.size >= MAX_PLANS) plans.delete(plans.keys().next().value ?? '');
    plans.set(held.plan.planId, held);
    return held.plan;
  };
  const take = (planId: string, kinds: readonly UpgradePlan['kind'][]): Held => {
    const held = plans.get(planId);
    if (held === undefined || !kinds.includes(held.plan.kind)) throw problemError('upgrade.plan_expired', { why: 'This plan is not known any more, or was applied already.' });
    if (held.plan.expiresAtMs < Date.now()) throw problemError('upgrade.plan_expired', { why: `A plan holds for ${String(PLAN_VALID_MS / 60_000)} minutes.` });
    // Once: what it said is over with its application.
    plans.delete(planId);
    return held;
  };

  const chooseRoute = async (input: { readonly target: string | null; readonly route: string | null }, report: EnvironmentReport, advice: Advice): Promise<Route> => {
    if (input.target !== null) {
      const route = await options.routeFor(input.target, report, advice);
      if (route === null) throw problemError('upgrade.no_route', { detail: `Nothing can be installed in place in ${report.environment.prefix}.`, remedy: 'Make a new environment beside it.' });
      return route;
    }
    const route = input.route === null ? (advice.routes.find((r) => r.recommended) ?? advice.routes.find((r) => r.automatic)) : advice.routes.find((r) => r.id === input.route);
    if (route !== undefined) return route;
    const [why] = advice.problems;
    throw problemError('upgrade.no_route', { detail: input.route === null ? (advice.nothingToDo ?? why?.cause ?? 'No route applies.') : `There is no route "${input.route}" here.`, remedy: why?.remedy ?? 'Name a target with --to, or GPUs with --for.' });
  };

  const checksOf = (held: Held, smokeCommand: readonly string[] | null, log: (text: string) => void): UpgradeCheck[] => {
    const { plan, judge, install } = held;
    const read = (): Promise<EnvironmentReport> => environments.readNow(plan.environmentId, judge);
    return [
      {
        name: 'record', title: 'Recorded files',
        async run() {
          const { xray } = await read();
          if (xray?.record == null) return { skipped: 'Nothing is recorded here.' };
          const { files, missing, examples } = xray.record;
          if (missing > 0) throw problemError('upgrade.verify_failed', { check: 'Recorded files', detail: `${String(missing)} of ${String(files)} are missing, among them ${examples[0]?.path ?? '—'}` });
          return `${files.toLocaleString('en')} of ${files.toLocaleString('en')} are there, in ${(xray.record.tookMs / 1000).toFixed(2)} s`;
        },
      },
      {
        name: 'xray', title: 'Verdict from the files',
        async run() {
          const report = await read();
          const torch = report.xray?.torch?.version ?? report.xray?.torch?.metadataVersion ?? null;
          const bad = report.cells.find((c) => c.verdict !== 'native' && c.verdict !== 'jit' && c.verdict !== 'library_gap');
          if (bad !== undefined) throw problemError('upgrade.verify_failed', { check: 'Verdict from the files', detail: `torch ${torch ?? '—'} on ${bad.gpuKey}: ${bad.verdict}, ${bad.text}` });
          const wanted = plan.route?.target?.version ?? null;
          if (wanted !== null && torch !== null && torch.split('+')[0] !== wanted.split('+')[0]) throw problemError('upgrade.verify_failed', { check: 'Verdict from the files', detail: `torch is ${torch}, not ${wanted}` });
          return `torch ${torch ?? '—'}${report.cells.length === 0 ? '; no GPU to judge for' : `: ${report.cells.map((c) => c.verdict).join(', ')}`}`;
        },
      },
      { name: 'import', title: 'Import', async run(signal) { return options.verifyImport(await read(), signal, log); } },
      {
        name: 'kernel', title: 'Kernels on each GPU',
        async run(signal) {
          const proofs = await options.proveQuickly(await read(), signal, log);
          if (proofs.length === 0) return { skipped: 'There is no GPU in this machine to run them on.' };
          const failed = proofs.find((p) => !p.works);
          if (failed !== undefined) throw problemError('upgrade.verify_failed', { check: `Kernels on ${failed.gpuName}`, detail: failed.problem?.cause ?? failed.steps.find((s) => s.state !== 'passed')?.text ?? 'a step failed' });
          return proofs.map((p) => `${p.gpuName}: ${String(p.steps.filter((s) => s.state === 'passed').length)} of ${String(p.steps.length)}`).join('; ');
        },
      },
      ...(install === null ? [] : [{
        name: 'pip_check' as const, title: 'Requirements of all packages',
        async run(signal: AbortSignal) {
          const { environment } = await read();
          const fresh = (await install.tool.check(environment, signal)).filter((line) => !install.brokenBefore.includes(line));
          if (fresh.length === 0) return 'none is newly broken';
          // What the plan told and the user agreed to is no surprise.
          if (plan.breaks.length === 0) throw problemError('upgrade.verify_failed', { check: 'Requirements of all packages', detail: fresh.slice(0, 3).join('; ') });
          return `as the plan said: ${fresh.slice(0, 3).join('; ')}`;
        },
      }]),
      ...(smokeCommand === null || smokeCommand.length === 0 ? [] : [{ name: 'smoke' as const, title: 'Your own command', async run(signal: AbortSignal) { return options.runSmoke(smokeCommand, await read(), signal, log); } }]),
    ];
  };

  /** The list of what was there, in the tools' own words: with it the old state can be made anew even without the snapshot. */
  const keepFreeze = async (environment: FoundEnvironment, planId: string, log: (text: string) => void): Promise<void> => {
    const frozen = await freeze(environment, options.access().torchIndexUrl);
    const folder = join(options.dataFolder, 'freezes');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, `${planId}.txt`);
    await writeFileAtomic(path, frozen.text);
    if (frozen.condaExplicit !== null) await writeFileAtomic(join(folder, `${planId}.conda.txt`), frozen.condaExplicit);
    log(`What was installed is listed in ${path}.`);
  };

  const startJob = (held: Held, kind: 'upgrade' | 'rollback', run: (context: JobContext, jobId: string) => Promise<Upgrade>): Job => {
    const job = jobs.start({ kind, title: held.plan.environmentName }, async (context): Promise<JobResult> => {
      try {
        const done = await run(context, job.id);
        return { upgrade: done.id, state: done.state, torch: done.toTorch };
      } finally {
        await environments.reread([held.plan.environmentId]);
      }
    });
    return job;
  };

  return {
    gauge,
    async plan(input, signal = new AbortController().signal) {
      const judge: JudgeFor = { for: input.for, driver: input.driver };
      const report = await environments.readNow(input.id, judge);
      const { environment, xray } = report;
      // What forbids any change is said before anything is resolved.
      const standing = await checkEnvironment(environment, report.usedBy);
      const forbids = standing.find((p) => p.severity === 'problem');
      if (forbids !== undefined) throw new ProblemError(forbids);
      const advice = await environments.adviseOn(report, judge, await options.indexReachable(signal));
      const route = requireAutomatic(await chooseRoute(input, report, advice));
      const tools = await options.tools();
      const tool = await chooseInstallTool(environment, tools);
      const access = options.access();
      const damaged = [...new Set(xray?.record?.examples.map((e) => e.package) ?? [])];
      const wish: InstallWish = route.kind === 'reinstall' ? { kind: 'reinstall', packages: damaged } : { kind: 'route', route, also: damaged };
      const resolution = await tool.resolve(environment, wish, access, signal);
      if (resolution.extraPaths.length > 0) throw problemError('upgrade.manual_route', { route: route.title, detail: `It changes ${resolution.extraPaths.join(' and ')}, which belong to your project and not to the environment.` });
      const brokenBefore = await tool.check(environment, signal).catch(() => []);
      const [room, { method: snapshotMethod }, fingerprint] = await Promise.all([readRoom(environment.prefix), chooseSnapshotPlace(environment.prefix, options.dataFolder), readFingerprint(environment)]);
      const plan = decidePlan({ planId: randomBytes(8).toString('hex'), nowMs: Date.now(), report, route, resolution, tool: tool.name, freeBytes: room.freeBytes, snapshotMethod, standing, wrong: advice.wrong });
      return hold({ plan, fingerprint, judge, upgradeId: null, install: { tool, wish, resolution, brokenBefore } });
    },
    async apply({ planId, agree, smokeCommand }) {
      const held = take(planId, ['upgrade']);
      const { install, judge } = held;
      if (install === null) throw problemError('upgrade.plan_expired', { why: 'This plan undoes a change; it is applied with "rollback".' });
      const { environment } = await environments.readNow(held.plan.environmentId, judge);
      return startJob(held, 'upgrade', (context, jobId) => upgrades.apply({
        plan: held.plan, environment, fingerprint: held.fingerprint, agree, jobId, context, verify: checksOf(held, smokeCommand, (text) => { context.log(text); }),
        async install(change) {
          await keepFreeze(environment, held.plan.planId, change.log);
          await install.tool.install(environment, install.wish, install.resolution, options.access(), change);
        },
      }));
    },
    async planRollback({ id, environmentId }) {
      const report = await environments.readNow(environmentId, { for: [], driver: null });
      const planned = await upgrades.planRollback({ upgradeId: id, environment: report.environment, users: report.usedBy });
      return hold({ plan: planned.plan, fingerprint: planned.fingerprint, judge: { for: [], driver: null }, upgradeId: id, install: null });
    },
    async rollback({ planId, agree }) {
      const held = take(planId, ['rollback', 'put_back']);
      const { environment } = await environments.readNow(held.plan.environmentId, held.judge);
      return startJob(held, 'rollback', (context, jobId) => upgrades.rollback({ upgradeId: held.upgradeId, environment, fingerprint: held.fingerprint, planId, agree, jobId, context, verify: [] }));
    },
    list: (environmentId) => upgrades.list().filter((u) => environmentId === null || u.environmentId === environmentId),
    forget: (id) => upgrades.forget(id),
  };
}
