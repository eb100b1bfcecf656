/**
 * What must be true of the process before TensorFlow loads; import this file first.
 *
 * Node 23 removed `util.isNullOrUndefined`, which tfjs-node 4.22 still calls, and TensorFlow greets on stderr unless told not to
 * (setup/quiet.cc says why that takes an addon).
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import util from 'node:util';

const nodeUtil = util as unknown as { isNullOrUndefined?: (value: unknown) => boolean };
nodeUtil.isNullOrUndefined ??= (value) => value === null || value === undefined;

process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
// TensorFlow's own CPU convolutions refuse dilations and are five times slower; by default oneDNN is on only with AVX-512.
process.env.TF_ENABLE_ONEDNN_OPTS ??= '1';

const tfjs = dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json'));
const quiet = join(tfjs, 'lib', 'napi-v8', 'quiet.node');
if (existsSync(quiet)) require(quiet);
