/** Ctrl-C: the first asks the loop to stop after its step, the second ends the process at once. */

/** Exit code of a run that was interrupted, as shells use it. */
export const INTERRUPTED = 130;

/** Thrown by a loop that stopped because it was asked to; its checkpoint is written. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/**
 * An AbortSignal that SIGINT and SIGTERM trip; `release` takes the handlers away again.
 * After the first signal the system's own handling is back, so that a second one ends the process even within a long step.
 */
export function stopSignal(say: (line: string) => void): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const release = () => {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  };
  const stop = () => {
    release();
    say('stopping after this step; once more stops at once and loses the steps since the last checkpoint');
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return { signal: controller.signal, release };
}
