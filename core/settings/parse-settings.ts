import type { z } from 'zod';
import { defaultSettings, settings as settingsSchema, settingsPatch, SETTINGS_VERSION, type Settings, type SettingsPatch } from '../../contract/settings.ts';
import { problemError } from '../../contract/problem-catalogue.ts';

/** A settings file as it stands on disk: what this version does not know in it is kept when it is written. */
export type SettingsDocument = Readonly<Record<string, unknown>>;

export type ParsedSettings =
  | { readonly kind: 'ok'; readonly document: SettingsDocument; readonly settings: Settings }
  /** Written by a newer version: what fits counts, nothing is written. */
  | { readonly kind: 'newer'; readonly found: number; readonly document: SettingsDocument; readonly settings: Settings }
  | { readonly kind: 'broken'; readonly detail: string };

/** Turns a document of version `from` into one of `from + 1`. Pure; each has a fixture of a file as it was released. */
export interface SettingsMigration {
  readonly from: number;
  readonly migrate: (document: SettingsDocument) => SettingsDocument;
}
/** Version 1 is the first that was released: nothing to migrate from yet. */
export const settingsMigrations: readonly SettingsMigration[] = [];

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Lists and records with free keys are one value: a change replaces them whole. */
const replacedWhole = new Set(['exceptions']);

/** A document with a change laid over it, section by section. */
export function mergeDocument(base: SettingsDocument, change: SettingsDocument): SettingsDocument {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(change)) {
    if (value === undefined) continue;
    const before = Object.hasOwn(merged, key) ? merged[key] : undefined;
    const whole = replacedWhole.has(key) || !isRecord(value) || !isRecord(before);
    // `defineProperty`: a file may name a key `__proto__`.
    Object.defineProperty(merged, key, { value: whole ? value : mergeDocument(before, value), enumerable: true, configurable: true, writable: true });
  }
  return merged;
}

/** Reads the text of a settings file; missing keys have their defaults. */
export function parseSettings(text: string, migrations: readonly SettingsMigration[] = settingsMigrations, known: number = SETTINGS_VERSION): ParsedSettings {
  let document: unknown;
  try {
    document = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    return { kind: 'broken', detail: text.trim() === '' ? 'the file is empty' : `it is not JSON (${error instanceof Error ? error.message : String(error)})` };
  }
  if (!isRecord(document)) return { kind: 'broken', detail: 'it is not a JSON object' };
  const version = document['schemaVersion'] ?? known;
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 0) return { kind: 'broken', detail: 'schemaVersion is not a version' };
  if (version > known) return { kind: 'newer', found: version, document, settings: takeWhatFits(document) };

  let current: SettingsDocument = document;
  for (let v = version; v < known; v++) {
    const step = migrations.find((m) => m.from === v);
    if (step === undefined) return { kind: 'broken', detail: `version ${v} is not known` };
    current = { ...step.migrate(current), schemaVersion: v + 1 };
  }
  const full = mergeDocument(defaultSettings, { ...current, schemaVersion: known });
  const parsed = settingsSchema.safeParse(full);
  if (!parsed.success) return { kind: 'broken', detail: describeIssue(parsed.error) };
  return { kind: 'ok', document: { ...current, schemaVersion: known }, settings: parsed.data };
}

/** Each setting that this version understands; the defaults for the others. */
function takeWhatFits(document: SettingsDocument): Settings {
  let fitting: SettingsDocument = defaultSettings;
  for (const [section, values] of Object.entries(document)) {
    if (section === 'schemaVersion' || !Object.hasOwn(defaultSettings, section) || !isRecord(values)) continue;
    for (const [key, value] of Object.entries(values)) {
      const candidate = mergeDocument(fitting, { [section]: { [key]: value } });
      if (settingsSchema.safeParse(candidate).success) fitting = candidate;
    }
  }
  return settingsSchema.parse(fitting);
}

/** Names the first setting that is wrong, for people. */
export function describeIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue === undefined ? 'it does not fit' : `${issue.path.map(String).join('.') || 'value'}: ${issue.message}`;
}

/** @throws ProblemError `input.invalid`, naming the setting. */
export function parsePatch(patch: unknown): SettingsPatch {
  const parsed = settingsPatch.safeParse(patch);
  if (!parsed.success) throw problemError('input.invalid', { detail: describeIssue(parsed.error) });
  const unknownKey = isRecord(patch) ? findUnknownKey(patch, parsed.data, '') : null;
  if (unknownKey !== null) throw problemError('input.invalid', { detail: `There is no setting "${unknownKey}".` });
  return parsed.data;
}

/** What the schema left out of the input is not a setting. */
function findUnknownKey(given: Readonly<Record<string, unknown>>, kept: unknown, path: string): string | null {
  for (const [key, value] of Object.entries(given)) {
    const here = path === '' ? key : `${path}.${key}`;
    if (!isRecord(kept) || !Object.hasOwn(kept, key)) return here;
    const deeper = isRecord(value) ? findUnknownKey(value, kept[key], here) : null;
    if (deeper !== null) return deeper;
  }
  return null;
}
