/** Longest name that any package on the public index has is below 100. */
const MAX_NAME = 200;
const MAX_SHOWN = 100;

/** PEP 503: `Flash_Attn` and `flash-attn` are one package. */
export function normaliseName(name: string): string {
  return name.replace(/[-_.]+/g, '-').toLowerCase();
}

/** As PEP 508 allows it. */
export function isPackageName(name: string): boolean {
  return name.length <= MAX_NAME && /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(name);
}

/** PEP 440 and what older tools wrote: no space, no path, no control character. */
export function isVersion(version: string): boolean {
  return version.length <= MAX_NAME && /^[A-Za-z0-9][A-Za-z0-9.+!_-]*$/.test(version);
}

/** Text of a stranger, fit for a sentence: one line, no control or direction characters, not long. */
export function showText(text: string): string {
  // eslint-disable-next-line no-control-regex -- those are what is taken out
  const plain = text.slice(0, 4 * MAX_SHOWN).replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, '?');
  return plain.length > MAX_SHOWN ? `${plain.slice(0, MAX_SHOWN)}…` : plain;
}

/** The same for a path, whose end tells more than its beginning. */
export function showPath(path: string): string {
  const shown = path.length > 300 ? `…${path.slice(-300)}` : path;
  // eslint-disable-next-line no-control-regex -- those are what is taken out
  return shown.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, '?');
}
