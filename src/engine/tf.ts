/** TensorFlow under tfjs: the one place that loads it. Everyone else writes `import { tf } from '../engine/tf'`. */
import './environment';
import * as tf from '@tensorflow/tfjs-node-gpu';

tf.env().set('IS_TEST', false);

export { tf };
