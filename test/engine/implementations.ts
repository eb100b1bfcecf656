/** The implementations that every table in this folder runs over. */
import type { Kernels } from '../../src/engine/kernels';
import { native } from '../../src/engine/native';
import { portable } from '../../src/engine/portable';

export const implementations: readonly Kernels[] = native ? [portable, native] : [portable];
