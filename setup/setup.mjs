/** `npm run setup`: everything that start, test and lab do first. */
import { script } from './common.mjs';
import { setUp } from './steps.mjs';

script(setUp);
