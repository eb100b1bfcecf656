/**
 * What must be true of the process before TensorFlow loads; import this file first.
 *
 * Node 23 removed `util.isNullOrUndefined`, which tfjs-node 4.22 still calls, and TensorFlow greets on stderr unless told not to.
 */
import util from 'node:util';

const nodeUtil = util as unknown as { isNullOrUndefined?: (value: unknown) => boolean };
nodeUtil.isNullOrUndefined ??= (value) => value === null || value === undefined;

process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
