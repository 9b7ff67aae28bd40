import type { BenchmarkDetail, BenchmarkRun, BenchmarkSample, ComparedRow, RunComparison } from '../../../contract/benchmarks.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { compareSamples } from './compare-samples.ts';

/**
 * Two runs of one benchmark, case by case, wide enough for all rows together.
 * @throws ProblemError `bench.not_comparable`
 */
export function compareRuns(a: BenchmarkDetail, b: BenchmarkDetail): RunComparison {
  if (a.name !== b.name) throw problemError('bench.not_comparable', { detail: `One is ${a.title}, the other ${b.title}.` });
  const both = a.results.filter((one) => b.results.some((other) => other.caseId === one.caseId));
  if (both.length === 0) throw problemError('bench.not_comparable', { detail: 'They have no case in common.' });
  const rows = [
    ...both.map((one) => compareRow(one.caseId, a, b, both.length)),
    ...[...a.results, ...b.results].filter((one) => !both.some((other) => other.caseId === one.caseId)).map((one) => compareRow(one.caseId, a, b, both.length)),
  ];
  const differ = findDifferences(a, b);
  return { a: withoutSamples(a), b: withoutSamples(b), rows, differ, sentence: makeSentence(rows, differ.length) };
}

function compareRow(caseId: string, a: BenchmarkDetail, b: BenchmarkDetail, rows: number): ComparedRow {
  const first = a.results.find((one) => one.caseId === caseId);
  const second = b.results.find((one) => one.caseId === caseId);
  const known = first ?? second;
  const row = { caseId, title: known?.title ?? caseId, unit: known?.unit ?? '', a: first?.median ?? null, b: second?.median ?? null };
  const comparable = first !== undefined && second !== undefined && first.unit === second.unit && first.higherIsBetter === second.higherIsBetter;
  const compared = comparable ? compareSamples(counting(a.samples[caseId]), counting(b.samples[caseId]), first.higherIsBetter, rows) : null;
  return compared === null ? { ...row, ratio: null, low: null, high: null, word: 'not_comparable' } : { ...row, ...compared };
}

const counting = (samples: readonly BenchmarkSample[] | undefined): number[] => (samples ?? []).flatMap((one) => (one.setAside === null ? [one.value] : []));

export function withoutSamples(detail: BenchmarkDetail): BenchmarkRun {
  const { samples: _, ...run } = detail;
  return run;
}

const MOST_DIFFERENCES = 60;

/** What differs between two runs besides their figures. */
export function findDifferences(a: BenchmarkRun, b: BenchmarkRun): RunComparison['differ'] {
  const facts = (run: BenchmarkRun): Map<string, string> => new Map([
    ['Place', run.place.name], ['Driver', told(run.driverVersion)], ['Environment', told(run.environment?.name)], ['PyTorch', told(run.environment?.torch)], ['CUDA', told(run.environment?.cuda)],
    ['Python', told(run.environment?.python)], ['Model', told(run.model?.name)], ['Backend', told(run.model?.backend)], ['llama.cpp', told(run.model?.release)], ['Comes from', told(run.importedFrom ?? 'Warpdeck')],
    ...Object.entries(run.conditions).map(([key, value]): [string, string] => [key, told(value)]),
  ]);
  const first = facts(a);
  const second = facts(b);
  return [...new Set([...first.keys(), ...second.keys()])].flatMap((what) => {
    const [one, other] = [first.get(what) ?? '—', second.get(what) ?? '—'];
    return one === other ? [] : [{ what, a: one, b: other }];
  }).slice(0, MOST_DIFFERENCES);
}

const told = (value: string | number | boolean | null | undefined): string => (value === null || value === undefined ? '—' : String(value));

function makeSentence(rows: readonly ComparedRow[], differences: number): string {
  const count = (word: ComparedRow['word']): number => rows.filter((one) => one.word === word).length;
  const parts = ([['faster', 'faster'], ['slower', 'slower'], ['no_difference', 'without a difference'], ['cannot_tell', 'too close to tell'], ['not_comparable', 'not comparable']] as const)
    .flatMap(([word, text]) => (count(word) === 0 ? [] : [`${count(word)} ${text}`]));
  const why = differences === 0 ? 'Nothing else is known to differ.' : `${differences} other thing${differences === 1 ? ' differs' : 's differ'} between the two.`;
  return `B against A, of ${rows.length} case${rows.length === 1 ? '' : 's'}: ${parts.join(', ')}. ${why}`;
}
