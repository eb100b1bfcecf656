/** Configurations that earlier versions wrote: what they lack, what their keys were called, and the hash that they had. */
import { defaults } from './config-defaults';
import type * as o from './options';

/** Keys that configurations written by earlier versions lack; their defaults say what those versions did. */
const addedLater: readonly string[] = ['plan', 'intensities', 'augment'];

/** Keys that came after the first records, dotted where they lie deeper. Whoever adds a key to the defaults names it here. */
const lateKeys: readonly string[] = ['inner', 'match'];

/** Keys that went, at the values that stood for what is done now: still a part of a hash, so that it is what earlier versions computed. */
const goneKeys: o.Options = { unet: { multiplyAdds: 0 } };

/** Whether a configuration of an earlier version may do without a key. */
export const mayLack = (name: string): boolean => addedLater.includes(name) || lateKeys.includes(name);

/** The keys of an earlier version's configuration as they are called now: `unet` and `random` had a `multiplyAdds` each, of which one mattered. */
export function renamed(json: unknown): unknown {
  if (typeof json !== 'object' || json === null) return json;
  const { unet, random, ...rest } = json as { method?: string; unet?: unknown; random?: unknown };
  if (unet === undefined && random === undefined) return json;
  const match = rest.method === 'unet' ? unet : rest.method === 'random' ? random : undefined;
  return match === undefined ? rest : { match, ...rest };
}

/**
 * The configuration without the late keys that stand at their defaults, so that its hash is what earlier versions computed.
 */
export function withoutLateDefaults(config: o.Options): o.Options {
  const without = (options: o.Options, base: o.Options, prefix: string): o.Options =>
    Object.fromEntries(
      Object.entries(options).flatMap(([name, value]): [string, o.Json][] => {
        const key = prefix + name;
        if (lateKeys.includes(key) && JSON.stringify(value) === JSON.stringify(base[name])) return [];
        const inside = lateKeys.some((late) => late.startsWith(`${key}.`));
        return [[name, inside ? without(value as o.Options, base[name] as o.Options, `${key}.`) : value]];
      }),
    );
  return { ...goneKeys, ...without(config, defaults, '') };
}
