import type { PublishAttempt, PublishCamera } from '../../../src/publish-auth/verdict.ts';

export const camera: PublishCamera = { index: 0, name: 'Gate', path: '/Gate/North', rtspPath: '/Gate/North' };

/** Somebody who wants to publish to {@link camera}. */
export function attemptOf(changes: Partial<PublishAttempt> = {}): PublishAttempt {
  return {
    camera,
    path: '/gate/north',
    query: '',
    pathKey: null,
    connection: 'r1',
    address: '192.0.2.7',
    port: 50_000,
    listenerPort: 1935,
    tls: false,
    ...changes,
  };
}

export const never = new AbortController().signal;
