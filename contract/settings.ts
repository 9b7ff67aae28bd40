import { z } from 'zod';
import { someEngineSettings } from './inference.ts';

export const SETTINGS_VERSION = 1;

const threshold = <T extends z.ZodRawShape>(shape: T) => z.object({ on: z.boolean(), ...shape });

export const alertSettings = z.object({
  /** `celsius` null: 5 °C below the device's own slowdown temperature. */
  temperature: threshold({ celsius: z.number().min(30).max(120).nullable(), forSeconds: z.number().min(1).max(3600) }),
  memory: threshold({ percent: z.number().min(10).max(100), forSeconds: z.number().min(1).max(3600) }),
  /** Slowed by heat or by hardware; a power cap is normal and never alerts. */
  throttle: threshold({ forSeconds: z.number().min(1).max(3600) }),
  /** Cannot be switched off. */
  lost: threshold({}),
  xid: threshold({ which: z.enum(['serious', 'all']) }),
  ecc: threshold({}),
  /** Exceptions by GPU UUID. */
  exceptions: z.record(z.string(), z.object({ celsius: z.number().min(30).max(120).optional(), memoryPercent: z.number().min(10).max(100).optional() })),
});
export type AlertSettings = z.infer<typeof alertSettings>;

export const settings = z.object({
  schemaVersion: z.int(),
  appearance: z.object({
    theme: z.enum(['system', 'dark', 'light']),
    closeToTray: z.boolean(),
    startMinimised: z.boolean(),
  }),
  monitor: z.object({
    /** Readings a second while somebody watches. */
    watchedHz: z.number().min(0.2).max(10),
    range: z.enum(['1m', '5m', '15m', '1h', '6h', '24h']),
    processColumns: z.array(z.string()),
  }),
  history: z.object({ on: z.boolean(), sizeCapMiB: z.number().min(16).max(65_536), minuteDays: z.number().min(1).max(3650) }),
  alerts: alertSettings,
  notifications: z.object({ on: z.boolean(), which: z.enum(['all', 'problems']), quietFrom: z.string().regex(/^\d\d:\d\d$/).nullable(), quietTo: z.string().regex(/^\d\d:\d\d$/).nullable() }),
  environments: z.object({
    /** Searched besides the usual places. */
    folders: z.array(z.string()),
    /** Tell when another program changes an environment's torch. */
    watch: z.boolean(),
    /** Instead of https://download.pytorch.org/whl: a mirror, without credentials. */
    torchIndexUrl: z.string().max(1000).nullable(),
    /** Instead of PyPI. */
    packageIndexUrl: z.string().max(1000).nullable(),
    /** A folder of wheels: used alone, nothing is downloaded. */
    wheelFolder: z.string().max(4096).nullable(),
    /** Snapshots are kept so long; the newest of an environment always. */
    keepSnapshotDays: z.number().min(1).max(3650),
  }),
  inference: z.object({
    /** Searched for model files besides the usual places. */
    modelFolders: z.array(z.string()),
    /** Where downloads go; null: `models` in the data folder. */
    downloadFolder: z.string().max(4096).nullable(),
    /** Instead of https://huggingface.co: a mirror, without credentials. */
    hubUrl: z.string().max(1000).nullable(),
    /** Connections for one download. */
    connections: z.int().min(1).max(16),
    /** Id of the model for a first chat; null: the one that was used last, else the smallest that can chat. */
    defaultModel: z.string().max(4096).nullable(),
    /** A model that was left alone so long is unloaded; 0: never. */
    unloadMinutes: z.number().min(0).max(10_080),
    /** Models in memory at the same time. */
    maxLoaded: z.int().min(1).max(16),
    /** Requests that may wait for one model. */
    maxWaiting: z.int().min(0).max(10_000),
    /** An answer that says no length ends after so many tokens; so long at most, minutes. */
    maxAnswerTokens: z.int().min(16).max(1_000_000),
    maxAnswerMinutes: z.number().min(1).max(1440),
    /** Settings by model id. */
    profiles: z.record(z.string(), someEngineSettings),
    /** Servers with OpenAI's API; their keys are secrets. */
    providers: z.array(z.object({ id: z.string().regex(/^[a-z0-9-]{1,64}$/), name: z.string().min(1).max(200), baseUrl: z.string().max(1000) })).max(64),
  }),
  localApi: z.object({ on: z.boolean(), port: z.int().min(1).max(65_535), metrics: z.boolean() }),
  logs: z.object({ level: z.enum(['debug', 'info', 'warn', 'error']), keepMiB: z.number().min(1).max(1024) }),
});
export type Settings = z.infer<typeof settings>;

/** A change: any part of the tree; arrays and `exceptions` are replaced whole. */
export const settingsPatch = z.strictObject({
  appearance: settings.shape.appearance.partial(),
  monitor: settings.shape.monitor.partial(),
  history: settings.shape.history.partial(),
  alerts: alertSettings.partial(),
  notifications: settings.shape.notifications.partial(),
  environments: settings.shape.environments.partial(),
  inference: settings.shape.inference.partial(),
  localApi: settings.shape.localApi.partial(),
  logs: settings.shape.logs.partial(),
}).partial();
export type SettingsPatch = z.infer<typeof settingsPatch>;

export const defaultSettings: Settings = {
  schemaVersion: SETTINGS_VERSION,
  appearance: { theme: 'system', closeToTray: false, startMinimised: false },
  monitor: { watchedHz: 10, range: '5m', processColumns: ['gpu', 'pid', 'user', 'command', 'environment', 'verdict', 'memory', 'sm', 'running'] },
  history: { on: true, sizeCapMiB: 512, minuteDays: 366 },
  alerts: {
    temperature: { on: true, celsius: null, forSeconds: 30 },
    memory: { on: true, percent: 90, forSeconds: 60 },
    throttle: { on: true, forSeconds: 10 },
    lost: { on: true },
    xid: { on: true, which: 'serious' },
    ecc: { on: true },
    exceptions: {},
  },
  notifications: { on: true, which: 'problems', quietFrom: null, quietTo: null },
  environments: { folders: [], watch: true, torchIndexUrl: null, packageIndexUrl: null, wheelFolder: null, keepSnapshotDays: 30 },
  inference: { modelFolders: [], downloadFolder: null, hubUrl: null, connections: 4, defaultModel: null, unloadMinutes: 15, maxLoaded: 3, maxWaiting: 32, maxAnswerTokens: 4096, maxAnswerMinutes: 30, profiles: {}, providers: [] },
  localApi: { on: false, port: 7757, metrics: true },
  logs: { level: 'info', keepMiB: 32 },
};

export const settingsStatus = z.object({
  settings,
  path: z.string(),
  /** Set when the file could not be read or written as it should: the values count all the same. */
  state: z.enum(['ok', 'read_only_newer', 'set_aside', 'not_writable']),
  note: z.string().nullable(),
});
export type SettingsStatus = z.infer<typeof settingsStatus>;

/** Names of secrets and where they lie; values are never sent to a face. */
export const secretStatus = z.object({ name: z.string(), set: z.boolean(), where: z.enum(['keyring', 'file']) });
export type SecretStatus = z.infer<typeof secretStatus>;
