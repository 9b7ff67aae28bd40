import { isPackageName, normaliseName } from './package-name.ts';

/** A requirement of PEP 508, as far as anything here asks. */
export interface Requirement {
  /** Normalised. */
  readonly name: string;
  /** `==2.4.1`, `>=2.3,<3`, `@ https://…`; empty when any version will do. No spaces. */
  readonly specifier: string;
  /** What stands behind the semicolon; null without one. */
  readonly marker: string | null;
}

const MAX_LENGTH = 4000;

/** Null for what is no requirement (an option, a path, rubbish). */
export function parseRequirement(text: string): Requirement | null {
  const line = text.slice(0, MAX_LENGTH).trim();
  const head = /^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*/.exec(line);
  const name = head?.[1];
  if (head === null || name === undefined || !isPackageName(name)) return null;
  const rest = line.slice(head[0].length);
  if (rest !== '' && !/^[@(<>=!~;]/.test(rest)) return null;
  // In a URL a semicolon counts only behind a space.
  const cut = rest.startsWith('@') ? rest.search(/\s;/) : rest.indexOf(';');
  const wanted = (cut === -1 ? rest : rest.slice(0, cut)).trim();
  const marker = cut === -1 ? null : rest.slice(cut).replace(/^\s*;/, '').trim() || null;
  const specifier = wanted.startsWith('@') ? `@ ${hideCredentials(wanted.slice(1).trim())}` : wanted.replace(/^\(|\)$/g, '').replace(/\s+/g, '');
  return { name: normaliseName(name), specifier, marker };
}

/** Only with an extra: `; extra == "cuda"`. */
export function isForExtra(requirement: Requirement): boolean {
  return requirement.marker !== null && /\bextra\s*==/.test(requirement.marker);
}

/** Allows one version, or one series: `==2.4.1`, `===2.4.1`, `==2.4.*`, `~=2.4.0`, a URL. */
export function isExact(requirement: Requirement): boolean {
  return /^(?:===?|~=|@)/.test(requirement.specifier) || /,(?:===?|~=)/.test(requirement.specifier);
}

/** User and password never leave the file that they stand in. */
export function hideCredentials(text: string): string {
  return text.replace(/\/\/[^/\s]*@/g, '//');
}
