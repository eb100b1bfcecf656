/** Short hashes of JSON values, to tell whether two are the same. */
import { createHash } from 'node:crypto';

/** The first 16 hexadecimal digits of a value's SHA-256, over its JSON with sorted keys. */
export function hashOf(value: unknown): string {
  const sorted = JSON.stringify(value, (_, v) =>
    v !== null && typeof v === 'object' && !Array.isArray(v)
      ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
      : v,
  );
  return createHash('sha256').update(sorted).digest('hex').slice(0, 16);
}
