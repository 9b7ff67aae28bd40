import type { Model } from '../../../contract/models.ts';
import type { Problem } from '../../../contract/problem.ts';
import { describeDeath, type DeathRecord } from './death-record.ts';
import { isOther, readFileIdentity, type FileIdentity } from './file-identity.ts';
import { decideDeathProblem } from './life-problems.ts';

/**
 * Why a model's process ended by itself, in a sentence and as a Problem; counted against the model, unless its file was
 * replaced under it. @param loaded the file as it was loaded; null: it was not
 */
export async function settleDeath(model: Pick<Model, 'id' | 'name' | 'path'>, loaded: FileIdentity | null, cause: Problem, deaths: DeathRecord): Promise<{ readonly detail: string; readonly problem: Problem }> {
  const otherFile = isOther(loaded, await readFileIdentity(model.path));
  const detail = describeDeath(cause, otherFile);
  if (!otherFile) deaths.died(model.id, detail);
  return { detail, problem: decideDeathProblem(model, cause, { detail, otherFile, barred: deaths.isBarred(model.id) }) };
}
