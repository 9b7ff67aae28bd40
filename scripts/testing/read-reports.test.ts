import { describe, expect, it } from 'vitest';
import { decideTally, readPlainReport, readPlaywrightReport, readVitestReport, sumTallies } from './read-reports.mjs';

const ended = { name: 'suite', read: readPlainReport, exitCode: 0, signal: null, timedOut: false, tail: 'last words' };
const report = (value: unknown): string => JSON.stringify(value);

describe('decideTally', () => {
  it.each([
    ['all passed', { reportText: report({ passed: 3, failed: 0 }) }, 3, 0],
    ['one failed', { reportText: report({ passed: 2, failed: 1, failures: ['x'] }), exitCode: 1 }, 2, 1],
    ['no report', { reportText: null }, 0, 1],
    ['a report that was cut off', { reportText: '{"passed":3,' }, 0, 1],
    ['a report of something else', { reportText: report({}) }, 0, 1],
    ['no test at all', { reportText: report({ passed: 0, failed: 0 }) }, 0, 1],
    ['only skipped tests', { reportText: report({ passed: 0, failed: 0, skipped: 5 }) }, 0, 1],
    ['an exit code that no failed test explains', { reportText: report({ passed: 3, failed: 0 }), exitCode: 1 }, 3, 1],
    ['a crash after the last test', { reportText: report({ passed: 3, failed: 0 }), exitCode: null, signal: 'SIGSEGV' }, 3, 1],
    ['a runner that never ended', { reportText: report({ passed: 3, failed: 0 }), timedOut: true }, 3, 1],
  ])('%s', (_, run, passed, failed) => {
    const tally = decideTally({ ...ended, ...run });
    expect({ passed: tally.passed, failed: tally.failed }).toEqual({ passed, failed });
    expect(tally.failures.length > 0).toBe(failed > 0);
  });
});

it('a test file that does not load is counted, which vitest itself does not', () => {
  const tally = readVitestReport({
    numPassedTests: 1,
    numFailedTests: 1,
    numPendingTests: 2,
    numTodoTests: 0,
    testResults: [
      { name: 'a.test.ts', status: 'failed', message: '', assertionResults: [{ status: 'failed', fullName: 'adds', failureMessages: ['Error: 1 is not 2'] }, { status: 'passed', fullName: 'x', failureMessages: [] }] },
      { name: 'b.test.ts', status: 'failed', message: 'Cannot find module', assertionResults: [] },
    ],
  });
  expect(tally).toEqual({ passed: 1, failed: 2, skipped: 2, failures: ['a.test.ts › adds\nError: 1 is not 2', 'b.test.ts did not load\nCannot find module'] });
});

it('a test whose process ended under it is named beside what the runner said', () => {
  const killed = { numPassedTests: 1, numFailedTests: 0, numPendingTests: 1, testResults: [{ name: 'a.test.ts', status: 'passed', message: '', assertionResults: [{ status: 'passed', fullName: 'one' }, { status: 'pending', fullName: 'two' }, { status: 'pending', fullName: 'three' }] }] };
  const tally = decideTally({ ...ended, read: readVitestReport, reportText: report(killed), exitCode: 1 });
  expect(tally).toEqual({ passed: 1, failed: 1, skipped: 1, failures: ['a.test.ts: 2 tests did not finish, first of them › two', 'suite ended with exit code 1, although no test failed\nlast words'] });
});

it('flaky tests and errors outside of tests fail', () => {
  const test = (status: string): object => ({ status, projectName: 'browser', results: [{ errors: [{ message: 'Timed out' }] }] });
  const tally = readPlaywrightReport({
    stats: { expected: 2, unexpected: 1, flaky: 1, skipped: 1 },
    errors: [{ message: 'No Electron' }],
    suites: [{ title: 'a.spec.ts', specs: [], suites: [{ title: 'monitor', specs: [{ title: 'moves', tests: [test('unexpected'), test('expected')] }, { title: 'zooms', tests: [test('flaky')] }] }] }],
  });
  expect(tally).toEqual({ passed: 2, failed: 3, skipped: 1, failures: ['outside of a test: No Electron', '[browser] a.spec.ts › monitor › moves\nTimed out', '[browser] a.spec.ts › monitor › zooms (flaky)\nTimed out'] });
});

it('sums over all runners', () => {
  expect(sumTallies([readPlainReport({ passed: 2, failed: 1 }), readPlainReport({ passed: 3, failed: 0 })])).toEqual({ passed: 5, failed: 1 });
});
