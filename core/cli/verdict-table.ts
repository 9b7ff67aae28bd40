import type { Problem } from '../../contract/problem.ts';
import { isFinding, verdictNames, type DriverFacts, type EnvironmentReport, type GpuTarget, type VerdictWord } from '../../contract/verdict.ts';
import { cleanText } from './display-width.ts';
import { NOT_REPORTED, shortDeviceName } from './format-values.ts';
import { formatProblem } from './problem-text.ts';
import { renderTable, type TableColumn } from './text-table.ts';

export const verdictText = (word: VerdictWord): string => verdictNames[word];

/** A mark that does not need colour: fine, attention, problem, nothing to say. */
export function verdictMark(word: VerdictWord): string {
  if (word === 'native' || word === 'jit') return '+';
  if (word === 'no_torch') return ' ';
  return word === 'library_gap' || word === 'cpu_only' || word === 'unknown' ? '!' : 'x';
}

/** A path under the home folder as people write it. */
export function shortPath(path: string, home: string | undefined): string {
  return cleanText(home !== undefined && home !== '' && (path === home || path.startsWith(`${home}/`)) ? `~${path.slice(home.length)}` : path);
}

export function renderVerdicts(reports: readonly EnvironmentReport[], targets: readonly GpuTarget[], options: { readonly room: number | null; readonly home: string | undefined }): readonly string[] {
  if (reports.length === 0) return ['No Python environment was found.'];
  const columns: readonly TableColumn[] = [
    { title: 'ENVIRONMENT', shrinkTo: 12 }, { title: 'PATH', shrinkTo: 16, dropOrder: 3 }, { title: 'PYTHON', dropOrder: 2 }, { title: 'TORCH' },
    ...targets.map((target): TableColumn => ({ title: cleanText(target.index === null ? target.name : `${String(target.index)} ${shortDeviceName(target.name)}`) })),
    { title: 'NOTES', shrinkTo: 8, dropOrder: 1 },
  ];
  return renderTable(columns, reports.map((report) => [
    cleanText(report.environment.name), shortPath(report.environment.prefix, options.home), report.environment.python.version ?? NOT_REPORTED,
    cleanText(report.xray?.torch?.version ?? report.xray?.torch?.metadataVersion ?? NOT_REPORTED),
    ...targets.map((target) => {
      const cell = report.cells.find((c) => c.gpuKey === target.key);
      return cell === undefined ? NOT_REPORTED : `${verdictMark(cell.verdict)} ${verdictText(cell.verdict)}`;
    }),
    report.findings.length === 0 ? '' : report.findings.map((f) => cleanText(f.title)).join('; '),
  ]), options.room);
}

/** One environment in full: every verdict with what it stands on, companions, pins, findings. */
export function renderReport(report: EnvironmentReport, targets: readonly GpuTarget[], home: string | undefined): readonly string[] {
  const { environment, xray } = report;
  const lines = [`${cleanText(environment.name)}  ${shortPath(environment.prefix, home)}`];
  const torch = xray?.torch ?? null;
  lines.push(`  Python ${environment.python.version ?? NOT_REPORTED}, ${environment.kind}${environment.tool === null ? '' : `, changed with ${environment.tool}`}; torch ${torch === null ? 'is not installed' : cleanText(torch.version ?? torch.metadataVersion ?? NOT_REPORTED)}`);
  for (const target of targets) {
    const cell = report.cells.find((c) => c.gpuKey === target.key);
    if (cell === undefined) continue;
    lines.push(`  ${verdictMark(cell.verdict)} ${cleanText(target.name)}${target.computeCapability === null ? '' : ` (${target.computeCapability})`}: ${verdictText(cell.verdict)}. ${cleanText(cell.text)}`);
    for (const e of cell.evidence) lines.push(`      ${cleanText(e.what)}: ${cleanText(e.value)}  [${shortPath(e.place, home)}]`);
    if (cell.problem !== null) lines.push(`      ${cleanText(cell.problem.remedy)}`);
    if (cell.forecast !== null) lines.push(`      ${cleanText(cell.forecast.text)}`);
  }
  for (const companion of report.companions) lines.push(`  ${companion.state === 'fine' ? '+' : companion.state === 'unknown' ? '?' : companion.state === 'attention' ? '!' : 'x'} ${cleanText(companion.name)} ${cleanText(companion.version)}: ${cleanText(companion.text)}`);
  for (const pin of xray?.pins ?? []) lines.push(`  pin  ${cleanText(pin.package)} ${cleanText(pin.specifier)}  [${shortPath(pin.file, home)}${pin.line === null ? '' : `:${String(pin.line)}`}]`);
  for (const user of report.usedBy) lines.push(`  used by ${String(user.pid)} ${cleanText(user.command)}`);
  for (const finding of report.findings) lines.push(...indent(formatProblem(finding)));
  return lines;
}

export const indent = (lines: readonly string[]): readonly string[] => lines.map((line) => `  ${line}`);

export function describeDriver(driver: DriverFacts): string {
  if (driver.source === 'none') return 'No driver was judged with.';
  return `Driver ${driver.version ?? NOT_REPORTED}${driver.cudaVersion === null ? '' : ` (CUDA ${driver.cudaVersion})`}${driver.source === 'given' ? ', as given' : ''}.`;
}

/** 1 when any verdict, or anything about an environment, is a finding; a place that could not be read is none. */
export function decideFindingsExit(reports: readonly EnvironmentReport[]): number {
  return reports.some((r) => r.cells.some((c) => isFinding(c.verdict)) || r.findings.some((f) => f.severity === 'problem')) ? 1 : 0;
}

export const renderProblems = (problems: readonly Problem[]): readonly string[] => problems.flatMap((p) => formatProblem(p));
