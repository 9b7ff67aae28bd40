import { makeProblem } from '../../../contract/problem-catalogue.ts';
import type { Problem, ProblemAction } from '../../../contract/problem.ts';

export interface Refusal {
  readonly url: string;
  readonly status: number;
  /** The hub's own word for it: `GatedRepo`, `RepoNotFound`, `RevisionNotFound`, `EntryNotFound` (header X-Error-Code). */
  readonly errorCode: string | null;
  readonly repository: string | null;
  readonly file: string | null;
  /** Where people read about the repository. */
  readonly pageUrl: string | null;
  readonly tokenSet: boolean;
}

const SET_TOKEN = 'make a token with read access in your account there, and set it under Settings, Secrets (hub_token)';

const TOKEN_ACTION: ProblemAction = { kind: 'open', label: 'Set a token', place: 'settings/secrets' };

/** What a status that will not change by itself means, with what to do about it. Pure. */
export function decideRefusal({ url, status, errorCode, repository, file, pageUrl, tokenSet }: Refusal): Problem {
  const refused = (detail: string, remedy: string): Problem => {
    const problem = makeProblem('download.refused', { url, status, detail, remedy });
    return remedy.includes('Settings, Secrets') ? { ...problem, actions: [TOKEN_ACTION, ...problem.actions] } : problem;
  };
  const unknown = (what: string, detail: string): Problem => makeProblem('download.unknown', { what, detail });
  const page = pageUrl ?? 'the page of the model';
  if (errorCode === 'GatedRepo' || (status === 403 && repository !== null)) {
    return refused('The makers of this model want their terms accepted first.', tokenSet ? `Accept the terms on ${page} with the account whose token is set, then resume. Where that was refused, choose another model.` : `Accept the terms on ${page} while signed in, ${SET_TOKEN}. Then resume.`);
  }
  // The hub says 401 for what does not exist as well, so as not to tell who may not know.
  if (errorCode === 'RepoNotFound' && (tokenSet || status === 404)) return unknown(repository ?? url, 'The hub knows no such repository, or does not show it to you.');
  if (errorCode === 'RevisionNotFound') return unknown(repository ?? url, 'The repository has no such revision.');
  if (errorCode === 'EntryNotFound') return unknown(file ?? url, `${repository ?? 'The repository'} has no such file.`);
  if (status === 401) return refused(repository === null ? 'It wants to know who you are.' : 'The repository does not exist, or is only for those who are signed in.', repository === null ? 'Get the file with a browser that is signed in, then add its folder.' : tokenSet ? 'Check its name. The token that is set was not accepted: make a new one under Settings, Secrets (hub_token).' : `Check its name (owner/name). If it is private, ${SET_TOKEN}.`);
  if (status === 403) return refused('It does not give this file to you.', 'Signed addresses expire: copy a fresh one. Else get the file with a browser that is signed in, then add its folder.');
  if (status === 404 || status === 410) return unknown(file ?? repository ?? url, repository === null ? 'The server has no such file.' : `${repository} is not there, or has no such file.`);
  if (status === 451) return refused('It may not be given out where you are.', 'Choose another model.');
  return refused('It does not say why.', 'Check the address, then resume.');
}
