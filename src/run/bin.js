#!/usr/bin/env node
/** The `scnas` command: loads the command line's TypeScript and turns its outcome into an exit code. */
require('../register.js');
const { main } = require('./cli');

// `scnas … | head` closes the pipe early: the rest of the output is not wanted, the work is
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error) => {
    if (error.code !== 'EPIPE') throw error;
  });

main(process.argv).then(
  (code) => {
    process.exitCode = code ?? 0;
  },
  (error) => {
    process.stderr.write(`${error?.name === 'ScnasError' ? error.message : (error?.stack ?? error)}\n`);
    process.exitCode = 1;
  },
);
