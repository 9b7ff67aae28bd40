// What a runner's own JSON report says. Prose is never read: it changes, and a crash writes none.

/** @typedef {{ passed: number, failed: number, skipped: number, failures: string[] }} Tally */

/** @returns {Tally} */
export const failedTally = (why) => ({ passed: 0, failed: 1, skipped: 0, failures: [why] });

/** @returns {Tally} */
export const passedTally = () => ({ passed: 1, failed: 0, skipped: 0, failures: [] });

const firstLines = (text, count = 12) => String(text ?? '').split('\n').slice(0, count).join('\n');

/** vitest `--reporter=json`. A file that does not load has no assertions and is in no count of vitest's own. */
export function readVitestReport(report) {
  const tally = { passed: report.numPassedTests, failed: report.numFailedTests, skipped: report.numPendingTests + (report.numTodoTests ?? 0), failures: [] };
  for (const file of report.testResults) {
    const failed = file.assertionResults.filter((test) => test.status === 'failed');
    // `pending` is begun or queued (a test left out is `skipped`): its process ended under it, which vitest counts nowhere.
    const unfinished = file.assertionResults.filter((test) => test.status === 'pending');
    if (unfinished.length > 0) tally.failures.push(`${file.name}: ${unfinished.length} tests did not finish, first of them › ${unfinished[0].fullName}`);
    for (const test of failed) tally.failures.push(`${file.name} › ${test.fullName}\n${firstLines(test.failureMessages?.[0])}`);
    if (file.status === 'failed' && failed.length === 0) {
      tally.failed += 1;
      tally.failures.push(`${file.name} did not load\n${firstLines(file.message)}`);
    }
  }
  return tally;
}

/** Playwright `json`: a flaky test is a failed one. `errors` are those outside of any test. */
export function readPlaywrightReport(report) {
  const { expected, unexpected, flaky, skipped } = report.stats;
  const failures = report.errors.map((error) => `outside of a test: ${firstLines(error.message)}`);
  const walk = (suite, path) => {
    for (const spec of suite.specs ?? []) {
      for (const test of spec.tests) {
        if (test.status !== 'unexpected' && test.status !== 'flaky') continue;
        const error = test.results.flatMap((result) => result.errors ?? []).at(0);
        failures.push(`[${test.projectName}] ${[...path, spec.title].join(' › ')}${test.status === 'flaky' ? ' (flaky)' : ''}\n${firstLines(error?.message)}`);
      }
    }
    for (const inner of suite.suites ?? []) walk(inner, [...path, inner.title]);
  };
  for (const suite of report.suites) walk(suite, [suite.title]);
  return { passed: expected, failed: unexpected + flaky + report.errors.length, skipped, failures };
}

/** Our own scripts: `{ passed, failed, failures? }`. */
export function readPlainReport(report) {
  return { passed: report.passed, failed: report.failed, skipped: report.skipped ?? 0, failures: (report.failures ?? []).map(String) };
}

/**
 * What counts in the end. Failed as well: no or an unreadable report, no test at all, and an exit code or an end by a
 * signal that no failed test explains.
 * @param {{ name: string, reportText: string | null, read: (report: any) => Tally, exitCode: number | null, signal: string | null, timedOut: boolean, tail: string }} run
 * @returns {Tally}
 */
export function decideTally({ name, reportText, read, exitCode, signal, timedOut, tail }) {
  const end = timedOut ? 'was ended: it took too long' : signal === null ? `ended with exit code ${exitCode}` : `ended with signal ${signal}`;
  let tally;
  try {
    if (reportText === null) return failedTally(`${name} left no report and ${end}\n${tail}`);
    tally = read(JSON.parse(reportText));
  } catch (error) {
    return failedTally(`${name} left a report that cannot be read (${error.message}) and ${end}\n${tail}`);
  }
  const counts = [tally.passed, tally.failed, tally.skipped];
  if (!counts.every((count) => Number.isInteger(count) && count >= 0)) return failedTally(`${name} left a report without counts and ${end}`);
  if (tally.passed + tally.failed === 0) return { ...failedTally(`${name} found no test and ${end}\n${tail}`), skipped: tally.skipped };
  if ((exitCode !== 0 || timedOut) && tally.failed === 0) return { ...tally, failed: 1, failures: [...tally.failures, `${name} ${end}, although no test failed\n${tail}`] };
  return tally;
}

/** @param {Tally[]} tallies */
export function sumTallies(tallies) {
  return tallies.reduce((sum, tally) => ({ passed: sum.passed + tally.passed, failed: sum.failed + tally.failed }), { passed: 0, failed: 0 });
}
