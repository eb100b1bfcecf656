/** One set-up at a time in a folder: the second one waits, and a lock whose owner is dead is taken over. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SetupError, say, textOf, writeWhole } from './common.mjs';

const POLL = 250;
/** Milliseconds without a sign of life after which an owner that cannot be looked at (another host) counts as dead. */
const SILENCE = 60_000;

/**
 * Runs `body(noteChild)` while holding `folder/lock`.
 * `noteChild({ pid, word })` records a tool at work, so that a take-over waits for a tool that outlived a killed set-up.
 */
export async function withLock(folder, body) {
  fs.mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'lock');
  const me = { pid: process.pid, word: 'setup', host: os.hostname() };
  await take(file, me);
  const beat = setInterval(() => fs.utimes(file, new Date(), new Date(), () => {}), 2000);
  try {
    return await body((child) => writeWhole(file, JSON.stringify({ ...me, child })));
  } finally {
    clearInterval(beat);
    fs.rmSync(file, { force: true });
  }
}

async function take(file, me) {
  let told = '';
  let seen = 0;
  let since = Date.now();
  for (;;) {
    if (writeNew(file, JSON.stringify(me))) return;
    const owner = parse(textOf(file));
    const time = fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (time !== seen) [seen, since] = [time, Date.now()];
    const reason = inTheWay(owner, Date.now() - since);
    if (reason === '') {
      remove(file, owner);
    } else {
      if (reason !== told) say(reason);
      told = reason;
      await new Promise((done) => setTimeout(done, POLL));
    }
  }
}

/** Why the lock is still held, or '' if nobody holds it any more. */
function inTheWay(owner, silence) {
  if (owner === undefined) return silence > 2000 ? '' : 'another set-up begins here: waiting for it';
  const waiting = `another set-up is at work here (process ${owner.pid}): waiting for it`;
  if (owner.host !== os.hostname()) return silence > SILENCE ? '' : waiting;
  if (runs(owner)) return waiting;
  if (owner.child && runs(owner.child)) {
    return `a set-up that was killed left ${owner.child.word} at work (process ${owner.child.pid}): waiting for it`;
  }
  return '';
}

/** Removes a dead owner's lock; only one process at a time may, and only if the lock is still that owner's. */
function remove(file, owner) {
  const guard = `${file}.takeover`;
  if (!writeNew(guard, '')) {
    const age = Date.now() - (fs.statSync(guard, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > 10_000) fs.rmSync(guard, { force: true });
    return;
  }
  try {
    if (parse(textOf(file))?.pid === owner?.pid) fs.rmSync(file, { force: true });
  } finally {
    fs.rmSync(guard, { force: true });
  }
}

function writeNew(file, text) {
  try {
    fs.writeFileSync(file, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw new SetupError(
      `${file}: cannot be written (${error.code}): give yourself write access to this folder`,
    );
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether that process lives and still is what it was: numbers of dead processes are used again. */
function runs({ pid, word }) {
  try {
    const command =
      process.platform === 'linux'
        ? fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        : execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
    return command.includes(word);
  } catch {
    return false;
  }
}
