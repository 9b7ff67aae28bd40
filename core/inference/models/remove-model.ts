import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { LoadedModel } from '../../../contract/inference.ts';
import type { Model, ModelHome } from '../../../contract/models.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { fileProblem } from '../../storage/write-file-atomic.ts';

export interface RemovalOptions {
  get(id: string): Promise<Model>;
  readonly loaded: () => readonly LoadedModel[];
  readonly removed: (model: Model) => void;
}

export interface Removals {
  /** @throws ProblemError `model.not_found`, `model.in_use`, `model.foreign` */
  plan(id: string): Promise<{ planId: string; name: string; files: string[]; bytes: number }>;
  /** @throws ProblemError `model.plan_expired`, `model.in_use`, `file.not_writable` */
  apply(planId: string): Promise<void>;
}

const PLAN_MS = 10 * 60_000;
const homes: Readonly<Partial<Record<ModelHome, string>>> = { lm_studio: 'LM Studio', ollama: 'Ollama', hugging_face: 'the Hugging Face cache' };

/** Removing files in two steps: a plan that names them, and its application, once. */
export function createRemovals({ get, loaded, removed }: RemovalOptions): Removals {
  const plans = new Map<string, { readonly model: Model; readonly untilMs: number }>();
  const refuse = (model: Model): void => {
    const home = homes[model.home];
    if (home !== undefined) throw problemError('model.foreign', { path: model.path, home });
    if (loaded().some((one) => one.modelId === model.id && one.state !== 'failed')) throw problemError('model.in_use', { name: model.name });
  };
  return {
    async plan(id) {
      const model = await get(id);
      refuse(model);
      const now = performance.now();
      for (const [key, held] of plans) if (held.untilMs < now) plans.delete(key);
      const planId = randomBytes(8).toString('hex');
      plans.set(planId, { model, untilMs: now + PLAN_MS });
      return { planId, name: model.name, files: model.files.map((file) => file.path), bytes: model.bytes };
    },
    async apply(planId) {
      const held = plans.get(planId);
      plans.delete(planId);
      if (held === undefined || held.untilMs < performance.now()) throw problemError('model.plan_expired');
      const { model } = held;
      refuse(model);
      for (const { path } of model.files) {
        await rm(path, { force: true }).catch((error: unknown) => { throw fileProblem(path, error); });
      }
      removed(model);
    },
  };
}
