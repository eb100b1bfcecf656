/** Lets Node load this project's TypeScript: transpile only, by the repository's own tsconfig, from whatever folder it is called. */
const path = require('node:path');
const { REGISTER_INSTANCE, register } = require('ts-node');

if (!process[REGISTER_INSTANCE]) {
  register({ project: path.join(__dirname, '..', 'tsconfig.json'), transpileOnly: true });
}
