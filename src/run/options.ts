/**
 * Options as plain JSON over typed defaults: layers are laid over each other, and every key and value is checked against the defaults' shape.
 */
import { fail } from '../engine/errors';

/** What JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
/** A JSON object. */
export interface Options {
  readonly [key: string]: Json;
}

/** Says what is wrong with a value, or nothing. */
export type Rule = (value: Json) => string | undefined;
/** Rules by dotted key; a value without a rule must have its default's type. */
export type Rules = Readonly<Record<string, Rule>>;

/** Lays `layer` over `base`: objects key by key, all else whole. A key that `base` does not have, or a value its rule refuses, is an error that names `where`. */
export function overlay(base: Options, layer: unknown, where: string, rules: Rules, prefix = ''): Options {
  if (!isObject(layer))
    return fail({
      where,
      expected: `an object${prefix && ` at ${prefix}`}`,
      found: JSON.stringify(layer),
      next: 'correct it',
    });
  const out: Record<string, Json> = { ...base };
  for (const [name, value] of Object.entries(layer)) {
    const key = prefix ? `${prefix}.${name}` : name;
    if (!Object.hasOwn(base, name)) {
      const known = Object.keys(base).map((k) => (prefix ? `${prefix}.${k}` : k));
      const near = nearest(key, known);
      fail({
        where,
        expected: 'a known key',
        found: key,
        next: near ? `did you mean ${near}?` : `there are ${known.join(', ')}`,
      });
    }
    const old = base[name];
    const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
    if (!rule && isObject(old)) {
      out[name] = overlay(old, value, where, rules, key);
      continue;
    }
    const wrong = rule ? rule(value as Json) : sameType(old)(value as Json);
    if (wrong)
      fail({
        where,
        expected: `${key} to be ${wrong}`,
        found: JSON.stringify(value),
        next: 'correct the value',
      });
    out[name] = value as Json;
  }
  return out;
}

/** `key=value` as a layer: dots nest, the value is JSON where it parses and a string elsewhere. `patch=40,56,40` is a list. */
export function parseSetting(text: string): Options {
  const equals = text.indexOf('=');
  if (equals < 1)
    return fail({
      where: `--set ${text}`,
      expected: 'key=value',
      found: text,
      next: 'for example --set search.steps=100',
    });
  const value = text.slice(equals + 1);
  return text
    .slice(0, equals)
    .split('.')
    .reduceRight<Json>((inner, name) => ({ [name]: inner }), parseValue(value)) as Options;
}

function parseValue(text: string): Json {
  for (const candidate of [text, `[${text}]`]) {
    try {
      return JSON.parse(candidate);
    } catch {
      // Not JSON: try the next form.
    }
  }
  return text;
}

/** Every dotted key at which two option trees differ, with both values as JSON. */
export function differences(
  a: Options,
  b: Options,
  prefix = '',
): { key: string; before: string; now: string }[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((name) => {
    const key = prefix ? `${prefix}.${name}` : name;
    const [before, now] = [a[name], b[name]];
    if (isObject(before) && isObject(now)) return differences(before, now, key);
    const texts = [before, now].map((v) => JSON.stringify(v) ?? 'nothing');
    return texts[0] === texts[1] ? [] : [{ key, before: texts[0], now: texts[1] }];
  });
}

export const oneOf =
  (...names: readonly Json[]): Rule =>
  (v) =>
    names.includes(v) ? undefined : `one of ${names.join(', ')}`;
export const whole =
  (least: number): Rule =>
  (v) =>
    Number.isSafeInteger(v) && (v as number) >= least ? undefined : `a whole number of at least ${least}`;
export const multipleOf =
  (n: number): Rule =>
  (v) =>
    Number.isSafeInteger(v) && (v as number) > 0 && (v as number) % n === 0
      ? undefined
      : `a multiple of ${n}`;
export const between =
  (low: number, high: number): Rule =>
  (v) =>
    typeof v === 'number' && v >= low && v <= high ? undefined : `a number from ${low} to ${high}`;
export const positive: Rule = (v) =>
  typeof v === 'number' && v > 0 && Number.isFinite(v) ? undefined : 'a number above 0';
export const either =
  (...rules: readonly Rule[]): Rule =>
  (v) => {
    const wrong = rules.map((rule) => rule(v));
    return wrong.includes(undefined) ? undefined : wrong.join(', or ');
  };
export const listOf =
  (rule: Rule): Rule =>
  (v) => {
    if (!Array.isArray(v)) return `a list`;
    const wrong = v.map(rule).find((w) => w !== undefined);
    return wrong && `a list, each ${wrong}`;
  };
/** Three whole numbers, each divisible by 8 (three times down by two) and at least 16 (a norm needs more than one voxel at the bottom). */
export const patchSides: Rule = (v) =>
  Array.isArray(v) &&
  v.length === 3 &&
  v.every((side) => Number.isSafeInteger(side) && side % 8 === 0 && side >= 16)
    ? undefined
    : 'three sides, each divisible by 8 and at least 16';

/** Three spacings in mm; a zero or a slip of the unit is refused. */
export const spacing: Rule = (v) =>
  Array.isArray(v) && v.length === 3 && v.every((mm) => typeof mm === 'number' && mm >= 0.01 && mm <= 100)
    ? undefined
    : 'three spacings in mm, each from 0.01 to 100';

/** How a channel is normalised. */
export const normalisation: Rule = (v) => {
  const given = v as Readonly<Record<string, Json>> | null;
  const numbers = ['low', 'high', 'mean', 'sd'];
  if (given?.scheme === 'z' && Object.keys(given).length === 1) return undefined;
  const right = given?.scheme === 'ct' && numbers.every((name) => Number.isFinite(given[name]));
  return right && Object.keys(given).length === 5
    ? undefined
    : `{scheme: "z"}, or {scheme: "ct"} with the numbers ${numbers.join(', ')}`;
};

function sameType(old: Json): Rule {
  const kind = (v: Json) => (Array.isArray(v) ? 'list' : v === null ? 'null' : typeof v);
  return (v) => (old === null || kind(v) === kind(old) ? undefined : `a ${kind(old)}`);
}

function isObject(value: unknown): value is Options {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The known name nearest to a mistyped one, if it is near enough (Levenshtein distance up to a third of its length, at least 2). */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const ranked = known.map((k) => ({ k, d: editDistance(name, k) })).sort((a, b) => a.d - b.d);
  return ranked[0] && ranked[0].d <= Math.max(2, name.length / 3) ? ranked[0].k : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length];
}
