/** What `require('scnas')` loads: the TypeScript of src itself, with no build step, so that stack traces lead into src. */
require('./register.js');
module.exports = require('./index.ts');
