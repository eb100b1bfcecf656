/** One line that says where a long phase is; on a terminal it is rewritten in place, elsewhere it is printed every few seconds. */

export interface Progress {
  /** `facts` are shown as they come: loss, tau, entropy of alpha. */
  update(step: number, facts: Readonly<Record<string, number>>): void;
  /** A line of its own, above the bar. */
  say(line: string): void;
  /** Leaves the bar's last state on the screen. */
  done(): void;
}

export interface ProgressOptions {
  readonly phase: string;
  readonly total: number;
  /** Steps already done by an earlier part of the run: they do not count for the time left. */
  readonly from?: number;
  readonly stream?: { isTTY?: boolean; columns?: number; write(text: string): unknown };
  /** Milliseconds now. */
  readonly now?: () => number;
}

/** Plain lines come this often. */
const SECONDS_BETWEEN_LINES = 10;

/** A progress line for a phase of `total` steps, on stderr unless told otherwise. */
export function progressLine({
  phase,
  total,
  from = 0,
  stream = process.stderr,
  now = Date.now,
}: ProgressOptions): Progress {
  const begin = now();
  let last = Number.NEGATIVE_INFINITY;
  let shown = '';
  let pending = '';
  const tty = stream.isTTY === true;
  const clear = () => (shown && tty ? `\r${' '.repeat(shown.length)}\r` : '');
  const show = (line: string) => {
    if (tty) stream.write(clear() + line);
    else stream.write(`${line}\n`);
    shown = line;
    pending = '';
    last = now();
  };
  return {
    update(step, facts) {
      const line = progressText({
        phase,
        step,
        total,
        from,
        seconds: (now() - begin) / 1000,
        facts,
        width: stream.columns ?? 110,
        bar: tty,
      });
      if (now() - last >= (tty ? 0.1 : SECONDS_BETWEEN_LINES) * 1000) show(line);
      else pending = line;
    },
    say(line) {
      stream.write(`${clear()}${line}\n${tty ? shown : ''}`);
    },
    done() {
      if (pending) show(pending);
      if (tty && shown) stream.write('\n');
      shown = '';
    },
  };
}

interface ProgressFacts {
  readonly phase: string;
  readonly step: number;
  readonly total: number;
  readonly from: number;
  readonly seconds: number;
  readonly facts: Readonly<Record<string, number>>;
  readonly width: number;
  readonly bar: boolean;
}

/** The text of the line: phase, bar, step of total, time left, facts; cut to the terminal's width. */
export function progressText({
  phase,
  step,
  total,
  from,
  seconds,
  facts,
  width,
  bar,
}: ProgressFacts): string {
  const done = Math.max(step - from, 0);
  const left = done > 0 && step < total ? `, ${duration((seconds / done) * (total - step))} left` : '';
  const numbers = Object.entries(facts).map(([name, value]) => `${name} ${short(value)}`);
  const filled = Math.round((20 * step) / Math.max(total, 1));
  const picture = bar ? ` ${'█'.repeat(filled)}${'░'.repeat(20 - filled)}` : '';
  return [`${phase}${picture} ${step}/${total} in ${duration(seconds)}${left}`, ...numbers]
    .join('  ')
    .slice(0, width - 1);
}

/** Seconds as people say them: 8 s, 3 min 20 s, 2 h 5 min. */
export function duration(seconds: number): string {
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

function short(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5)) return value.toExponential(1);
  return value.toPrecision(3);
}
