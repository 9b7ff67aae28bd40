import type { Application, ApplyPlan, ComponentHealth, EffectCard, OptimizeOverview, Profile, SlowReport, ToggleState, TuneResult } from '../../contract/optimize.ts';
import { cleanText } from './display-width.ts';
import { formatDateTime, formatGib, formatThree, NOT_REPORTED } from './format-values.ts';
import { renderTable } from './text-table.ts';

const stateWords: Readonly<Record<ToggleState['state'], string>> = { default: 'default', set: 'set', other: 'set by others', unavailable: 'not here', unknown: 'unknown' };

/** Of the newest card that holds; else the newest. */
function newestEffect(state: ToggleState): string {
  const card = state.effects.find((one) => one.stale === null) ?? state.effects[0];
  if (card === undefined) return state.toggle.workloads.length === 0 ? 'cannot be measured' : 'not measured';
  return `${cleanText(card.sentence)}${card.stale === null ? '' : ' (stale)'}`;
}

export function renderOverview(overview: OptimizeOverview, room: number | null): readonly string[] {
  const { environment } = overview;
  return [
    `${environment === null ? 'No environment with PyTorch' : `${cleanText(environment.name)}, torch ${environment.torch ?? NOT_REPORTED}`}, on ${cleanText(overview.place.name)}${overview.place.key === 'cpu' ? ' (processor)' : ''}`, '',
    ...renderTable(
      [{ title: 'switch' }, { title: 'values', shrinkTo: 10, dropOrder: 2 }, { title: 'state' }, { title: 'results', dropOrder: 1 }, { title: 'measured here', shrinkTo: 16 }],
      overview.states.map((state) => [state.toggle.id, state.toggle.values.map((one) => one.id).join(' '), state.value === null ? stateWords[state.state] : `${stateWords[state.state]}: ${cleanText(state.value)}`, { no: 'same', rounding: 'other digits', yes: 'change' }[state.toggle.changesResults], newestEffect(state)]), room,
    ),
  ];
}

/** Everything about one switch: what it is, what is said of it, what is true, what was measured. */
export function renderToggle(state: ToggleState): readonly string[] {
  const { toggle } = state;
  const line = (name: string, text: string | null): string[] => (text === null || text === '' ? [] : [`  ${name.padEnd(10)} ${cleanText(text)}`]);
  return [
    `${cleanText(toggle.title)} (${toggle.id})`, `  ${cleanText(toggle.what)}`,
    ...line('since', toggle.since), ...line('needs', toggle.needs.join(', ')), ...line('applied', toggle.applied), ...line('undone', toggle.undone), ...line('here', state.why),
    ...(toggle.claim === null ? [] : [...line('people say', toggle.claim.said), ...line('in truth', toggle.claim.truth), ...line('source', toggle.claim.source)]),
    ...line('not offered', toggle.notOffered),
    ...state.effects.flatMap((card) => ['', ...renderEffect(card).map((text) => `  ${text}`)]),
  ];
}

const percent = (ratio: number | null): string => (ratio === null ? NOT_REPORTED : `${formatThree(ratio)}×`);

export function renderEffect(card: EffectCard): readonly string[] {
  const both = (a: number | null, b: number | null, show: (value: number) => string): string => `${a === null ? NOT_REPORTED : show(a)} → ${b === null ? NOT_REPORTED : show(b)}`;
  const kept = card.pairs.filter((one) => one.kept).length;
  const measured = [card.a, card.b].flatMap((arm) => [arm.error, arm.memoryBytes, arm.joulesPerUnit]);
  return [
    cleanText(card.sentence),
    `${card.toggles.map((one) => `${one.toggleId}=${one.value}`).join(', ')} on ${cleanText(card.workload.title)}, ${cleanText(card.place.name)}${card.environmentName === null ? '' : `, ${cleanText(card.environmentName)}`}`,
    ...(card.ratio === null ? [] : [`ratio ${percent(card.ratio)}, 95 % interval ${percent(card.low)} to ${percent(card.high)}${kept === 0 ? '' : `, ${String(kept)} pairs`}${card.setAside > 0 ? `, ${String(card.setAside)} set aside` : ''}`]),
    ...(measured.every((one) => one === null) ? [] : [`error against FP64 ${both(card.a.error, card.b.error, (value) => value.toExponential(1))}; memory ${both(card.a.memoryBytes, card.b.memoryBytes, formatGib)}; energy of one repetition ${both(card.a.joulesPerUnit, card.b.joulesPerUnit, (value) => `${value.toPrecision(3)} J`)}`]),
    `${[card.identity.gpu, card.identity.driver === null ? null : `driver ${card.identity.driver}`, card.identity.torch === null ? null : `torch ${card.identity.torch}`, card.identity.engine].filter((one) => one !== null).map(cleanText).join(', ')}; ${formatDateTime(card.atMs)}${card.stale === null ? '' : `; stale: ${cleanText(card.stale)}`}`,
    ...card.notes.map(cleanText),
    ...(card.problem === null ? [] : [cleanText(card.problem.title), `  ${cleanText(card.problem.cause)}`, `  ${cleanText(card.problem.remedy)}`]),
  ];
}

export function renderProfiles(profiles: readonly Profile[], room: number | null): readonly string[] {
  return renderTable([{ title: 'profile' }, { title: 'title', shrinkTo: 10 }, { title: 'switches', shrinkTo: 16 }, { title: 'measured', shrinkTo: 16 }], profiles.map((one) => [one.id, cleanText(one.title), one.toggles.map((t) => `${t.toggleId}=${t.value}`).join(' '), cleanText(one.effects[0]?.sentence ?? 'not measured')]), room);
}

export function renderApplyPlan(plan: ApplyPlan): readonly string[] {
  return [
    ...(plan.snippet === '' ? [] : [...plan.snippet.split('\n').map(cleanText), '']),
    ...Object.entries(plan.variables).map(([name, value]) => `${name}=${cleanText(value)}`),
    ...plan.files.map((file) => `${!file.exists ? 'writes' : file.text === '' ? 'removes' : 'changes'} ${cleanText(file.path)}`),
    ...plan.commands.map((command) => `runs ${cleanText(command.join(' '))}`),
    ...plan.agree.map((text) => `Needs your word: ${cleanText(text)}`), ...plan.notes.map(cleanText),
  ];
}

export function renderApplications(list: readonly Application[], room: number | null): readonly string[] {
  if (list.length === 0) return ['Nothing is applied.'];
  return renderTable([{ title: 'id' }, { title: 'environment', shrinkTo: 10 }, { title: 'by' }, { title: 'switches', shrinkTo: 14 }, { title: 'state' }, { title: 'since', dropOrder: 1 }], list.map((one) => [one.id, cleanText(one.environmentName), one.means, one.toggles.map((t) => `${t.toggleId}=${t.value}`).join(' '), one.state.replaceAll('_', ' '), formatDateTime(one.appliedAtMs)]), room);
}

export function renderHealth(parts: readonly ComponentHealth[], room: number | null): readonly string[] {
  const working = parts.filter((one) => one.state === 'works').length;
  return [...renderTable([{ title: 'component' }, { title: 'state' }, { title: 'last proof' }, { title: 'detail', shrinkTo: 20 }], parts.map((one) => [one.title, one.state, one.provedAtMs === null ? NOT_REPORTED : formatDateTime(one.provedAtMs), cleanText(one.detail)]), room), '', `${String(working)} of ${String(parts.length)} work.`];
}

export function renderSlow(report: SlowReport, room: number | null): readonly string[] {
  return [
    `${cleanText(report.place.name)}, watched for ${formatThree(report.seconds)} s`, '',
    ...(report.causes.length === 0 ? ['Nothing that slows it down was seen.'] : renderTable([{ title: 'cause' }, { title: 'number', shrinkTo: 14 }, { title: 'what to do', shrinkTo: 20 }], report.causes.map((one) => [cleanText(one.title), cleanText(one.number), cleanText(one.remedy)]), room)),
    ...report.notes.map(cleanText),
  ];
}

export function renderTune(result: TuneResult, room: number | null): readonly string[] {
  const speed = (value: number | null): string => (value === null ? NOT_REPORTED : formatThree(value));
  return [
    `${cleanText(result.modelName)} on ${cleanText(result.place.name)}, for ${result.goal}`, '',
    ...renderTable([{ title: 'settings', shrinkTo: 24 }, { title: 'tok/s', align: 'right' }, { title: 'runs', align: 'right' }, { title: 'round', align: 'right', dropOrder: 1 }, { title: 'state' }], result.candidates.map((one) => [cleanText(one.words), speed(one.value), String(one.runs), String(one.rung + 1), one.state.replaceAll('_', ' ')]), room),
    '', cleanText(result.sentence), ...(result.before === null || result.after === null ? [] : [`Before ${speed(result.before)}, after ${speed(result.after)} tok/s${result.ratio === null ? '' : `: ${percent(result.ratio)} (${percent(result.low)} to ${percent(result.high)})`}.`]), ...result.notes.map(cleanText),
  ];
}
