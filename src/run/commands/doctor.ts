/** `scnas doctor`: what is installed, what is used, what is wrong. */
import type { Command } from 'commander';

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description(
      'versions, backend, threads, kernels, GPU, memory, where data is looked for, and what is wrong',
    )
    .option('--json', 'print facts as JSON')
    .addHelpText('after', '\nExample:\n  scnas doctor --json')
    .action(async ({ json }: { json?: boolean }) => {
      const { doctor, doctorText } = await import('../doctor');
      const report = await doctor();
      process.stdout.write(`${json ? JSON.stringify(report, null, 2) : doctorText(report)}\n`);
      if (!report.ok) process.exitCode = 1;
    });
}
