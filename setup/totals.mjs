/** A vitest reporter whose one line, the last of the run, says how many tests passed, failed and were skipped. */
export function totalsReporter() {
  const before = JSON.parse(process.env.SCNAS_CHECKS ?? '{ "passed": 0, "failed": 0 }');
  let counts;
  return {
    onTestRunStart() {
      counts = { ...before, skipped: 0, pending: 0 };
    },
    onTestCaseResult(test) {
      counts[test.result().state] += 1;
    },
    onTestRunEnd(modules, unhandled) {
      const broken = modules.filter((module) => module.errors().length > 0).length + unhandled.length;
      const skipped = counts.skipped + counts.pending;
      const rest = skipped > 0 ? `, ${skipped} skipped` : '';
      const line = `${counts.passed} passed, ${counts.failed + broken} failed${rest}\n`;
      process.once('exit', () => process.stdout.write(line));
    },
  };
}
