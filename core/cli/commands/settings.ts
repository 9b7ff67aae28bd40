import type { Settings, SettingsPatch } from '../../../contract/settings.ts';
import { settingsPatch } from '../../../contract/settings.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { JSON_SCHEMA_VERSION, type CommandContext } from '../command.ts';
import { findNearMatch } from '../near-match.ts';
import { usageError } from '../parse-command-line.ts';
import { exitCodes } from '../problem-text.ts';

type Tree = Readonly<Record<string, unknown>>;
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Every setting by its dotted name. */
export function listSettings(tree: Tree, prefix = ''): readonly (readonly [string, unknown])[] {
  return Object.entries(tree).flatMap(([name, value]) => {
    const path = `${prefix}${name}`;
    return isTree(value) && Object.keys(value).length > 0 ? listSettings(value, `${path}.`) : [[path, value] as const];
  });
}

/** A part of the settings by its dotted name. @throws ProblemError `usage.unknown` with the near match */
export function findSetting(settings: Settings, path: string): unknown {
  let here: unknown = settings;
  for (const name of path.split('.')) {
    if (!isTree(here) || !Object.hasOwn(here, name)) {
      const near = findNearMatch(path, listSettings(settings).map(([known]) => known));
      throw usageError(`There is no setting "${path}".${near === null ? '' : ` Did you mean "${near}"?`}`);
    }
    here = here[name];
  }
  return here;
}

function replaceAt(tree: Tree, path: readonly string[], value: unknown): Tree {
  const [name = '', ...rest] = path;
  const below = tree[name];
  return { ...tree, [name]: rest.length === 0 ? value : replaceAt(isTree(below) ? below : {}, rest, value) };
}

/** Words as a value: JSON where it is JSON (`true`, `85`, `null`), else a text (`dark`). */
export function parseSettingValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The smallest change that sets one value: a section's entry, whole. @throws ProblemError `usage.unknown`, `input.invalid` */
export function makeSettingsPatch(settings: Settings, path: string, value: unknown): SettingsPatch {
  const names = path.split('.');
  const [section = '', entry = ''] = names;
  // Exceptions are by a GPU's UUID: new names may appear below them.
  findSetting(settings, path.startsWith('alerts.exceptions.') ? 'alerts.exceptions' : path);
  if (names.length < 2 || section === 'schemaVersion') throw usageError(`"${path}" cannot be set as a whole. Name one entry, as "monitor.range".`);
  const changed = replaceAt({ ...settings }, names, value)[section];
  const parsed = settingsPatch.safeParse({ [section]: { [entry]: isTree(changed) ? changed[entry] : undefined } });
  if (!parsed.success) throw problemError('input.invalid', { detail: parsed.error.issues.map((i) => `${i.path.join('.') || path}: ${i.message}`).slice(0, 3).join('; ') });
  return parsed.data;
}

const show = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

export async function runSettings(context: CommandContext): Promise<number> {
  const { out, signal, json } = context;
  const [verb = 'get', path, text, ...tooMany] = context.positionals;
  if (verb !== 'get' && verb !== 'set') throw usageError(`"settings" knows get and set, not "${verb}".`);
  if (verb === 'set' && (path === undefined || text === undefined)) throw usageError('"settings set" needs a name and a value: warpdeck settings set monitor.range 15m.');
  if (tooMany.length > 0 || (verb === 'get' && text !== undefined)) throw usageError(`"${tooMany[0] ?? text ?? ''}" is one word too many. Quote a value with spaces.`);
  const engine = await context.attach({ anyGpus: true });
  try {
    let status = await engine.client.settings.get({}, { signal });
    if (verb === 'set' && path !== undefined && text !== undefined) status = await engine.client.settings.update(makeSettingsPatch(status.settings, path, parseSettingValue(text)), { signal });
    const value = path === undefined ? status.settings : findSetting(status.settings, path);
    if (json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, path: status.path, state: status.state, note: status.note, ...(path === undefined ? {} : { name: path }), value });
    else if (isTree(value)) {
      const rows = listSettings(value, path === undefined ? '' : `${path}.`);
      const width = Math.max(0, ...rows.map(([name]) => name.length));
      for (const [name, one] of rows) await out.line(`${name.padEnd(width)}  ${show(one)}`);
      if (path === undefined) out.note(`From ${status.path}.`);
    } else await out.line(show(value));
    if (status.note !== null) out.error(status.note);
    return exitCodes.fine;
  } finally {
    engine.close();
  }
}
