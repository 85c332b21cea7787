import type { CameraState } from './words.ts';

/** What an event is called, and the mark in front. */
export interface EventKind {
  readonly title: string;
  readonly mark: CameraState;
}

/** What an event tells a camera by. */
export interface NamedCamera {
  readonly index: number;
  readonly name: string;
  readonly path: string;
}

const kinds: Readonly<Record<string, EventKind>> = {
  started: { title: 'On air', mark: 'air' },
  stopped: { title: 'Ended', mark: 'offline' },
  rejected: { title: 'Refused', mark: 'trouble' },
  degraded: { title: 'Troubled', mark: 'trouble' },
  recovered: { title: 'Good again', mark: 'air' },
  rule: { title: 'Rule', mark: 'trouble' },
  overloaded: { title: 'Overloaded', mark: 'trouble' },
  relieved: { title: 'Room again', mark: 'air' },
  listener_failed: { title: 'Port failed', mark: 'trouble' },
};

/** `rule` is that of an event about one: a stream breaks it, or keeps it again. */
export function kindOf(type: string, rule: { readonly state: string } | null): EventKind {
  const kind = kinds[type] ?? { title: type.replaceAll('_', ' '), mark: 'offline' };
  return rule?.state === 'kept' ? { ...kind, mark: 'air' } : kind;
}

/**
 * Whether an event is of this camera: when its own was removed, another one may have the index. The server knows a camera again by
 * its path or its name.
 */
export function isOf(
  { name, path }: { readonly name: string | null; readonly path: string | null },
  camera: NamedCamera | undefined,
): boolean {
  return camera !== undefined && (camera.path === path || camera.name === name);
}
