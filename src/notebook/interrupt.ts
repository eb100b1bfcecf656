/** The notebook's interrupt button as an AbortSignal: without one, an awaiting loop would run on behind the next cells. */

let current: AbortController | undefined;

/**
 * A signal that the next interrupt (SIGINT: the stop button, Ctrl-C) trips. Loops that run at the same time share it; after an interrupt
 * there is a fresh one, so that a loop can be started again.
 *
 * Signals arrive between turns of the event loop only: a loop must give way with {@link breathe} once a step.
 */
export function interruptSignal(): AbortSignal {
  if (current && !current.signal.aborted) return current.signal;
  const controller = new AbortController();
  current = controller;
  // Not at once: while the synchronous part of a cell runs, the kernel holds SIGINT itself, and a listener added then would be lost
  // together with the kernel's own, so that the next interrupt would end the process.
  setImmediate(() => process.once('SIGINT', () => controller.abort()));
  return controller.signal;
}

/** Lets displays be sent and interrupts arrive; returns whether to go on. */
export function breathe(signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => setImmediate(() => setImmediate(() => resolve(!signal?.aborted))));
}
