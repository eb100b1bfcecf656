/** What a phantom task is: one record a task. */
import type { Key } from '../engine/keys';
import type { Shape3 } from '../engine/model';
import type { Scene } from './phantom-paint';

export interface PhantomTask {
  /** The folder's name, as the Decathlon has it. */
  readonly name: string;
  readonly title: string;
  readonly modalities: readonly string[];
  readonly classes: readonly string[];
  readonly spacing: readonly [number, number, number];
  /** Voxels along each axis, before each case's own change of at most ± `sizeJitter`. */
  readonly size: Shape3;
  readonly sizeJitter: number;
  /** Stored whole numbers a unit of brightness; 1 where brightness is in Hounsfield units. */
  readonly unit: number;
  /** The anatomy of one case; `half` is half the volume's extent in mm. */
  readonly scene: (k: Key, half: readonly [number, number, number]) => Scene;
}
