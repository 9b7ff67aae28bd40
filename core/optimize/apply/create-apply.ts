import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { Application, ApplyPlan, ChosenToggle } from '../../../contract/optimize.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import type { ApplyServices } from '../../engine/optimize-services.ts';
import { decideLaunch } from '../launch/decide-launch.ts';
import { launchFolder } from '../launch/launch-environment.ts';
import { createApplicationStore } from './application-store.ts';
import { decideApplicationState, decideFileState, type ApplicationRecord } from './application-record.ts';
import type { ApplyDeps, ApplyEnvironment } from './apply-deps.ts';
import { decideChosen } from './decide-chosen.ts';
import { decideProtected } from './decide-protected.ts';
import { readFound } from './file-state.ts';
import type { NewFile } from './new-file.ts';
import { planFiles } from './plan-files.ts';
import { listFacts } from './list-facts.ts';
import { finishReplacing, recoverApplications } from './recover-applications.ts';
import { putBack, writeApplication } from './write-application.ts';

export interface Apply extends ApplyServices {
  /** Ends what an engine that died had begun. Once, before the rest. Answers files that were edited and left alone. */
  recover(): Promise<readonly string[]>;
  /** What holds in an environment because Warpdeck applied it. */
  readApplied(environmentId: string): Promise<readonly ChosenToggle[]>;
}

interface KeptPlan {
  readonly plan: ApplyPlan;
  readonly madeAtMs: number;
  readonly environment: ApplyEnvironment | null;
  readonly files: readonly NewFile[];
  /** SHA-256 of what stands at each path, as planned with. */
  readonly expected: ReadonlyMap<string, string | null>;
  readonly replaces: ApplicationRecord | null;
  /** For undoing. */
  readonly reverts: string | null;
}

const PLAN_LIFE_MS = 10 * 60_000;
const MAX_PLANS = 50;
const KILL_SWITCH = 'WARPDECK_OPTIMIZE=0';

/** Writes switches into environments, and takes them out again. */
export function createApply(deps: ApplyDeps): Apply {
  const now = deps.now ?? Date.now;
  const store = createApplicationStore(deps.folder);
  const plans = new Map<string, KeptPlan>();
  let last: Promise<unknown> = Promise.resolve();
  /** One at a time: two that write the same files would each find the other's. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };

  const show = async (record: ApplicationRecord): Promise<Application> => ({
    id: record.id, environmentId: record.environmentId, environmentName: record.environmentName, means: record.means, toggles: record.toggles, appliedAtMs: record.appliedAtMs,
    state: decideApplicationState(record, await Promise.all(record.files.map((file) => readFound(file.path)))),
    files: record.files.map(({ path, sha256 }) => ({ path, sha256 })), killSwitch: KILL_SWITCH,
  });
  const keep = (plan: Omit<ApplyPlan, 'planId'>, rest: Omit<KeptPlan, 'plan' | 'madeAtMs'>): ApplyPlan => {
    const whole = { ...plan, planId: randomUUID() };
    plans.set(whole.planId, { ...rest, plan: whole, madeAtMs: now() });
    for (const id of [...plans.keys()].slice(0, Math.max(0, plans.size - MAX_PLANS))) plans.delete(id);
    return whole;
  };
  const find = (planId: string): KeptPlan => {
    const found = plans.get(planId);
    if (found === undefined || now() - found.madeAtMs > PLAN_LIFE_MS) throw problemError('apply.plan_expired', {});
    return found;
  };
  const requireRecord = async (id: string): Promise<ApplicationRecord> => {
    const record = (await store.list()).find((one) => one.id === id && one.phase !== 'reverted');
    if (record === undefined) throw problemError('apply.not_found', { what: id });
    return record;
  };
  /** Kernels of Jupyter are no part of the environment, which may not even be writable; one that is gone can hold no lock. */
  const locked = async <T>(means: ApplyPlan['means'], prefix: string, id: string, work: () => Promise<T>): Promise<T> => {
    if (means === 'jupyter' || !existsSync(prefix)) return work();
    const lock = await deps.lockEnvironment(prefix, id);
    try {
      return await work();
    } finally {
      await lock.release();
    }
  };

  return {
    recover: () => inTurn(() => recoverApplications(store, (record, work) => locked(record.means, record.prefix, record.id, work), deps.log)),

    async planApply({ environmentId, toggles, means }) {
      const environment = await deps.readEnvironment(environmentId);
      const { found, torch } = environment;
      const refused = decideProtected(found, means);
      const isPixi = means === 'conda' && found.kind === 'pixi';
      if (refused !== null && means !== 'snippet' && !isPixi) throw problemError('apply.protected', { environment: found.name, detail: refused });
      const chosen = decideChosen(toggles, { facts: listFacts(deps, torch), means });
      const before = (await store.list()).find((one) => one.phase === 'in_force' && one.environmentId === found.id && one.means === means) ?? null;
      const original = new Map(before?.files.map((file) => [file.path, file]) ?? []);
      const planned = await planFiles(means, environment, chosen, deps, original);
      const expected = new Map<string, string | null>();
      const files: ApplyPlan['files'] = [];
      for (const file of planned.files) {
        const there = await readFound(file.path);
        // What is there has to be ours as we wrote it, or a kernel.json that is added to.
        const isOurs = there.kind === 'file' && original.get(file.path)?.sha256 === there.sha256;
        if (there.kind === 'other' || (there.kind === 'file' && !isOurs && means !== 'jupyter')) throw problemError('apply.edited', { path: file.path });
        expected.set(file.path, there.kind === 'file' ? there.sha256 : null);
        files.push({ path: file.path, text: file.text, exists: there.kind === 'file' });
      }
      return keep({
        means, environmentId, toggles: [...chosen.acting], snippet: [planned.snippet, chosen.snippet].filter((one) => one !== null && one !== '').join('\n\n'), variables: { ...chosen.variables },
        files, commands: [], agree: files.length === 0 ? [] : [...chosen.agree],
        notes: [...(before === null ? [] : ['It takes the place of what was applied here before.']), ...planned.notes, ...chosen.notes],
      }, { environment, files: planned.files, expected, replaces: before, reverts: null });
    },

    apply: ({ planId, agree }) => inTurn(async () => {
      const { plan, environment, files, expected, replaces, reverts } = find(planId);
      if (environment === null || reverts !== null) throw problemError('apply.plan_expired', {});
      const { found } = environment;
      const refused = decideProtected(found, plan.means);
      if (refused !== null) throw problemError('apply.protected', { environment: found.name, detail: refused });
      if (plan.agree.length > 0 && !agree) throw problemError('apply.needs_word', { detail: plan.agree.join(' ') });
      plans.delete(planId);
      const current = await deps.readEnvironment(plan.environmentId);
      if (current.torch !== environment.torch || current.found.prefix !== found.prefix || current.found.python.version !== found.python.version) throw problemError('apply.plan_expired', {});
      const id = randomUUID();
      const application = await locked(plan.means, found.prefix, id, async () => {
        const record = await writeApplication({ id, environmentId: found.id, environmentName: found.name, prefix: found.prefix, means: plan.means, toggles: plan.toggles, appliedAtMs: now(), replaces: replaces?.id ?? null }, files, expected, store, replaces);
        if (replaces !== null) await finishReplacing(record, replaces, store);
        return show(record);
      });
      deps.onChange();
      return application;
    }),

    async planRevert(id) {
      const record = await requireRecord(id);
      const notes: string[] = [];
      const files: ApplyPlan['files'] = [];
      for (const file of record.files) {
        const there = await readFound(file.path);
        const state = decideFileState(file, there);
        if (state === 'edited') notes.push(`${file.path} was edited, and is left alone. Remove it by hand if it is not wanted.`);
        else if (state === 'ours') files.push({ path: file.path, text: file.before?.text ?? '', exists: true });
      }
      notes.unshift(files.length === 0 && notes.length === 0 ? 'Its files are gone already.' : record.means === 'jupyter' ? 'These files become what they were before, byte for byte.' : 'These files are removed.');
      return keep({ means: record.means, environmentId: record.environmentId, toggles: record.toggles, snippet: '', variables: {}, files, commands: [], agree: [], notes }, { environment: null, files: [], expected: new Map(), replaces: null, reverts: id });
    },

    revert: (planId) => inTurn(async () => {
      const { reverts } = find(planId);
      if (reverts === null) throw problemError('apply.plan_expired', {});
      plans.delete(planId);
      const record = await requireRecord(reverts);
      const found = await Promise.all(record.files.map((file) => readFound(file.path)));
      const states = record.files.map((file, i) => decideFileState(file, found[i] ?? { kind: 'missing' }));
      const edited = record.files.find((_, i) => states[i] === 'edited');
      if (edited !== undefined && !states.includes('ours')) throw problemError('apply.edited', { path: edited.path });
      const undo = async (): Promise<ApplicationRecord> => {
        await store.put({ ...record, phase: 'reverting' });
        const left = await putBack(record);
        // What was edited stays, and stays in the list.
        const ended: ApplicationRecord = left.length === 0 ? { ...record, phase: 'reverted' } : { ...record, phase: 'in_force', files: [...left], folders: [] };
        await store.put(ended);
        return ended;
      };
      const ended = await locked(record.means, record.prefix, record.id, undo);
      deps.onChange();
      return show(ended);
    }),

    async applications() {
      return Promise.all((await store.list()).filter((one) => one.phase === 'in_force' || one.phase === 'reverted').map(show));
    },

    async readApplied(environmentId) {
      const records = (await store.list()).filter((one) => one.environmentId === environmentId && one.phase === 'in_force');
      const shown = await Promise.all(records.map(show));
      return [...new Map(shown.filter((one) => one.state === 'in_force').flatMap((one) => one.toggles.map((toggle) => [toggle.toggleId, toggle] as const))).values()];
    },

    async planLaunch({ toggles, profileId, python }) {
      const wished = [...(profileId === null ? [] : (await deps.findProfile(profileId)).toggles), ...(toggles ?? [])];
      const environment = python === null ? null : await deps.findByPython(python);
      return decideLaunch(wished, { facts: listFacts(deps, environment?.torch ?? null), known: environment !== null, folder: launchFolder() });
    },
  };
}
