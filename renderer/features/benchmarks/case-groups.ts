import type { BenchmarkResult, BenchmarkRun } from '../../../contract/benchmarks.ts';
import type { ShownPlace } from './places.ts';

/** Up to so many cases are shown at once; more are told apart by the size in their ids. */
const MOST_AT_ONCE = 12;

export interface Facet {
  readonly id: string;
  /** As the title has it: `8192³`, `512 tokens`. */
  readonly text: string;
}

interface NamedCase {
  readonly id: string;
  readonly title: string;
}

/** The size of a case, where its id ends with one (`bf16-8192`) and its title names it; and the title without it. Pure. */
export function splitCase({ id, title }: NamedCase): { readonly facet: Facet; readonly label: string } | null {
  const size = /-(\d{1,9})$/.exec(id)?.[1];
  if (size === undefined) return null;
  const found = [...title.matchAll(/\d[\d,]*(?:³| tokens?)?/g)].find(([text]) => text.replace(/[^\d]/g, '') === size);
  if (found === undefined) return null;
  const label = `${title.slice(0, found.index)}${title.slice(found.index + found[0].length)}`.replace(/^[\s,]+|[\s,]+$/g, '').replace(/\s{2,}/g, ' ');
  return label === '' ? null : { facet: { id: size, text: found[0] }, label: `${label.charAt(0).toUpperCase()}${label.slice(1)}` };
}

/** The sizes by which many cases are told apart, smallest first; empty where all are shown at once. Pure. */
export function decideFacets(cases: readonly NamedCase[]): readonly Facet[] {
  if (cases.length <= MOST_AT_ONCE) return [];
  const split = cases.map(splitCase);
  if (split.some((s) => s === null)) return [];
  const byId = new Map(split.flatMap((s) => (s === null ? [] : [[s.facet.id, s.facet] as const])));
  return byId.size < 2 ? [] : [...byId.values()].sort((a, b) => Number(a.id) - Number(b.id));
}

export interface CaseValue {
  readonly place: ShownPlace;
  readonly run: BenchmarkRun | null;
  /** Null: the run has not measured it. */
  readonly result: BenchmarkResult | null;
}

export interface CaseGroup {
  readonly caseId: string;
  readonly label: string;
  readonly values: readonly CaseValue[];
}

/** Cases that share an axis. */
export interface CaseSection {
  readonly unit: BenchmarkResult['unit'];
  readonly higherIsBetter: boolean;
  readonly groups: readonly CaseGroup[];
  /** Largest end of an interval; the axis reaches it. */
  readonly most: number;
}

/** What was measured, by unit, in the order of the cases; of one size, where they are told apart by it. Pure. */
export function decideSections(cases: readonly NamedCase[], facet: string | null, places: readonly ShownPlace[], shown: ReadonlyMap<string, BenchmarkRun>): readonly CaseSection[] {
  const results = [...shown.values()].flatMap((r) => r.results);
  const order = new Map([...cases.map((c) => c.id), ...results.map((r) => r.caseId)].map((id, i) => [id, i] as const).reverse());
  const first = new Map<string, BenchmarkResult>();
  for (const result of results) {
    const known = first.get(result.caseId);
    if (known === undefined || known.median === null) first.set(result.caseId, result);
  }
  const sections = new Map<string, { unit: BenchmarkResult['unit']; higherIsBetter: boolean; groups: CaseGroup[]; most: number }>();
  for (const result of [...first.values()].sort((a, b) => (order.get(a.caseId) ?? 0) - (order.get(b.caseId) ?? 0))) {
    const split = splitCase({ id: result.caseId, title: result.title });
    if (facet !== null && split?.facet.id !== facet) continue;
    const key = `${result.unit} ${String(result.higherIsBetter)}`;
    const section = sections.get(key) ?? { unit: result.unit, higherIsBetter: result.higherIsBetter, groups: [], most: 0 };
    const values = places.map((place): CaseValue => {
      const run = shown.get(place.key) ?? null;
      return { place, run, result: run?.results.find((r) => r.caseId === result.caseId) ?? null };
    });
    section.groups.push({ caseId: result.caseId, label: facet === null ? result.title : (split?.label ?? result.title), values });
    section.most = Math.max(section.most, ...values.map((v) => v.result?.high ?? v.result?.median ?? 0));
    sections.set(key, section);
  }
  return [...sections.values()];
}

/** Round numbers from zero to at most `most`, three to six of them. Pure. */
export function decideTicks(most: number): readonly number[] {
  if (!(most > 0) || !Number.isFinite(most)) return [0, 1];
  const rough = most / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough) ?? 10 * power;
  const count = Math.floor(most / step + 1e-9);
  return Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}
