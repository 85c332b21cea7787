import { z } from 'zod';
import { addressRange, addressRangeAllowed } from './address-range.ts';

/** Who may publish to one camera, as its entry in the file says. */
export interface AccessEntry {
  /** Whether publishers are asked for a credential, whatever `publish-auth` says for all. */
  readonly 'publish-auth'?: 'off' | 'required' | undefined;
  /** Addresses and networks that may publish to it, besides what `allow-ip` says for all. */
  readonly 'allow-ip'?: readonly string[] | undefined;
}

const authAllowed = 'off or required';

/** The checks of an {@link AccessEntry}, by its keys. */
export const accessEntryShape = {
  // YAML of before 2009 reads `off` as false, and people write `true`.
  'publish-auth': z
    .preprocess(
      (raw) => (raw === false ? 'off' : raw === true ? 'required' : raw),
      z.enum(['off', 'required'], authAllowed),
    )
    .optional(),
  'allow-ip': z
    .preprocess(
      (raw) => (typeof raw === 'string' ? raw.split(',').map((part) => part.trim()) : raw),
      z.array(addressRange, addressRangeAllowed).min(1, addressRangeAllowed),
    )
    .optional(),
} satisfies Record<keyof AccessEntry, z.ZodType>;

/** The keys of an {@link AccessEntry}. */
export const accessEntryKeys = Object.keys(accessEntryShape) as (keyof AccessEntry)[];

/** The part of an entry that is about access; without what it leaves out. */
export function accessEntryOf(entry: AccessEntry): AccessEntry {
  return Object.fromEntries(accessEntryKeys.flatMap((key) => (entry[key] === undefined ? [] : [[key, entry[key]]])));
}
