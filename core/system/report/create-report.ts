import { cpus, release, totalmem, version } from 'node:os';
import type { AlertsState } from '../../../contract/alerts.ts';
import type { Inventory } from '../../../contract/gpu.ts';
import type { HistoryStatus } from '../../../contract/history.ts';
import type { Job } from '../../../contract/jobs.ts';
import type { Problem } from '../../../contract/problem.ts';
import { defaultSettings, type SettingsStatus } from '../../../contract/settings.ts';
import type { EngineInfo, EngineStatus } from '../../../contract/system.ts';
import { readIdentity } from '../../logging/create-logger.ts';
import type { Identity } from '../../logging/redact-text.ts';
import { createReportRedactor } from './redact-report.ts';
import { diffSettings } from './diff-settings.ts';

/** What a report tells of the machine itself. */
export interface MachineFacts {
  readonly system: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memTotalBytes: number;
}

export interface ReportParts {
  readonly info: EngineInfo;
  readonly inventory: Inventory;
  readonly status: EngineStatus | null;
  readonly settings: SettingsStatus;
  readonly jobs: readonly Job[];
  readonly alerts: AlertsState;
  readonly history: HistoryStatus | Promise<HistoryStatus>;
  readonly notices: readonly Problem[];
  /** The last lines of the log. */
  readonly log: string;
  readonly atMs?: number;
  readonly machine?: MachineFacts;
  readonly identity?: Identity;
  /** Values that must not be in it, wherever they came from (tokens of the web face). */
  readonly secrets?: readonly string[];
}

/** The support bundle: one Markdown text that can be read before it is sent. Never rejects: what fails stands in it. */
export async function createReport(parts: ReportParts): Promise<{ fileName: string; text: string }> {
  const at = new Date(parts.atMs ?? Date.now()).toISOString();
  const history = await Promise.resolve(parts.history).catch((error: unknown) => String(error));
  const redact = createReportRedactor(parts.identity ?? readIdentity(), parts.secrets ?? []);
  const machine = parts.machine ?? readMachine();
  const sections = [
    `# Warpdeck report\n\nMade ${at}. User and host names, the home folder, addresses, serial numbers and credentials are left out. Read it before you send it.`,
    section('Versions and machine', describeMachine(parts.info, machine)),
    section('GPUs', describeInventory(parts.inventory)),
    section('Problems', list([...(parts.inventory.problem ? [parts.inventory.problem] : []), ...parts.notices].map(describeProblem), 'None.')),
    section('Alerts', list([...parts.alerts.open.map((a) => `open: ${a.title}. ${a.text}`), ...parts.alerts.over.slice(0, 20).map((a) => `over: ${a.title}`)], 'None.')),
    section('Workers', list((parts.status?.workers ?? []).map((w) => `${w.name}: ${w.state}, ${w.restarts} restarts${w.rssBytes === null ? '' : `, ${mib(w.rssBytes)}`}${w.problem ? `; ${describeProblem(w.problem)}` : ''}`), 'None.')),
    section('Engine', parts.status === null ? 'No status yet.' : `${parts.status.cpuPercent.toFixed(1)} % of one core, ${mib(parts.status.rssBytes)}, ${parts.status.faces} faces, ${parts.status.jobsRunning} jobs running, web face ${parts.status.web.on ? 'on' : 'off'}.`),
    section('History', typeof history === 'string' ? history : describeHistory(history)),
    section('Jobs', list(parts.jobs.slice(0, 20).map((j) => `${j.kind}, ${j.state}: ${j.title}${j.problem ? `; ${describeProblem(j.problem)}` : ''}`), 'None.')),
    section('Settings that differ from the defaults', list([...diffSettings(parts.settings.settings, defaultSettings), ...(parts.settings.note === null ? [] : [`file: ${parts.settings.state}. ${parts.settings.note}`])], 'None.')),
    section('Log', fence(parts.log.trim() === '' ? 'Empty.' : parts.log.trimEnd())),
  ];
  return { fileName: `warpdeck-report-${at.slice(0, 19).replaceAll(':', '-')}.md`, text: `${redact(sections.join('\n\n'))}\n` };
}

export function readMachine(): MachineFacts {
  const processors = cpus();
  return { system: `${release()} ${version()}`, cpu: processors[0]?.model ?? 'unknown', cores: processors.length, memTotalBytes: totalmem() };
}

const section = (title: string, text: string): string => `## ${title}\n\n${text}`;
const list = (items: readonly string[], none: string): string => (items.length === 0 ? none : items.map((item) => `- ${item.replaceAll(/\s*\n\s*/g, ' ')}`).join('\n'));
const mib = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;
const orDash = (value: string | number | null): string => (value === null ? '—' : String(value));

/** A fence that is longer than any in the text. */
function fence(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((m) => m[0].length));
  const ticks = '`'.repeat(longest + 1);
  return `${ticks}\n${text}\n${ticks}`;
}

function describeProblem(p: Problem): string {
  return `${p.code} (${p.severity}): ${p.title}. ${p.cause}${p.chain.length > 0 ? ` (${p.chain.join(' / ')})` : ''}${p.incident === null ? '' : ` [${p.incident}]`}`;
}

function describeMachine(info: EngineInfo, machine: MachineFacts): string {
  return list([
    `Warpdeck ${info.version}, Node ${info.node}, ${info.platform}${info.wsl ? ', WSL' : ''}${info.inContainer ? ', in a container' : ''}`,
    `System: ${machine.system}`,
    `Processor: ${machine.cpu}, ${machine.cores} cores, ${mib(machine.memTotalBytes)}`,
    `Data folder: ${info.dataDir}${info.ephemeral ? ' (nothing is kept)' : ''}`,
    `Engine: process ${info.pid}, started ${new Date(info.startedAtMs).toISOString()}, ${info.stays ? 'stays' : 'ends with its last face'}`,
  ], '');
}

function describeInventory(inventory: Inventory): string {
  const { driver } = inventory;
  return list([
    `Source: ${inventory.source} (${inventory.sourceSpec})${inventory.simulated ? ', simulated' : ''}, ${inventory.state}, ${inventory.rateHz} readings a second${inventory.rateNote === null ? '' : ` (${inventory.rateNote})`}`,
    `Driver ${orDash(driver.driverVersion)}, CUDA ${orDash(driver.cudaVersion)}, NVML ${orDash(driver.nvmlVersion)}, library ${orDash(driver.libraryPath)}`,
    ...inventory.devices.map((d) => `${d.index}: ${d.name}, ${d.uuid}, ${orDash(d.architecture)}, compute ${orDash(d.computeCapability)}, ${d.memTotalBytes === null ? 'memory —' : mib(d.memTotalBytes)}, PCI ${orDash(d.pciBusId)}, limit ${orDash(d.powerLimitWatts)} W; not reported: ${Object.entries(d.notReported).map(([field, why]) => `${field} (${why.code})`).join(', ') || 'nothing'}`),
    ...inventory.findings.map((f) => `${f.ok ? 'found' : 'missing'}: ${f.name}: ${f.value} (${f.place})`),
  ], '');
}

function describeHistory(h: HistoryStatus): string {
  const since = h.oldestMs === null ? 'empty' : `since ${new Date(h.oldestMs).toISOString()}`;
  return `${h.state}${h.reason === null ? '' : ` (${h.reason})`}, ${mib(h.sizeBytes)} of ${mib(h.sizeCapBytes)}, ${since}; rows: ${h.rows.raw} raw, ${h.rows.second} seconds, ${h.rows.minute} minutes.`;
}
