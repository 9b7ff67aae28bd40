/** Version specifiers of PEP 440, as far as requirements on torch use them. Pure. */
import { compareVersions, publicVersion } from './architecture-rules.ts';

/** `torch==2.4.1; extra == "x"` → `==2.4.1`; brackets, extras and markers are left away. */
export function specifierOf(requirement: string): string {
  return requirement.split(';', 1)[0]?.replace(/^\s*[A-Za-z0-9][\w.-]*\s*(\[[^\]]*\])?/, '').replace(/[()]/g, '').trim() ?? '';
}

/** Null where a specifier is not understood: no mismatch is claimed then. Local labels count only where one is asked for. */
export function matchesSpecifier(version: string, specifier: string): boolean | null {
  const parts = specifier.split(',').map((p) => p.trim()).filter((p) => p !== '');
  let all = true;
  for (const part of parts) {
    const match = /^(===|==|!=|<=|>=|~=|<|>)\s*v?([0-9][0-9A-Za-z.+]*)(\.\*)?$/.exec(part.replace(/\.\*$/, '.*'));
    const operator = match?.[1], wanted = match?.[2]?.replace(/\.$/, '');
    if (operator === undefined || wanted === undefined) return null;
    const wild = match?.[3] !== undefined;
    const order = compareVersions(version, wanted);
    const prefix = startsWithParts(version, wanted);
    if (operator === '==' || operator === '===') all &&= wild ? prefix : order === 0 && (!wanted.includes('+') || wanted === version);
    else if (operator === '!=') all &&= wild ? !prefix : order !== 0;
    else if (operator === '>=') all &&= order >= 0;
    else if (operator === '<=') all &&= order <= 0;
    else if (operator === '>') all &&= order > 0;
    else if (operator === '<') all &&= order < 0;
    else all &&= order >= 0 && startsWithParts(version, publicVersion(wanted).split('.').slice(0, -1).join('.'));
  }
  return all;
}

/** 2.8.0 begins with 2.8 and 2.8.x, not with 2.80. */
export function startsWithParts(version: string, prefix: string): boolean {
  const wanted = publicVersion(prefix).split('.').filter((p) => p !== 'x' && p !== '*');
  const have = publicVersion(version).split('.');
  return wanted.every((p, i) => Number(/^\d+/.exec(have[i] ?? '0')?.[0] ?? -1) === Number(p));
}
