#!/usr/bin/env node
/** The `scnas` command: loads the command line's TypeScript and turns its outcome into an exit code. */
require('../register.js');
const { main } = require('./cli');

main(process.argv).then(
  (code) => {
    process.exitCode = code ?? 0;
  },
  (error) => {
    process.stderr.write(`${error?.name === 'ScnasError' ? error.message : (error?.stack ?? error)}\n`);
    process.exitCode = 1;
  },
);
