import type { PublishMethod } from '../publish-auth/verdict.ts';

/** A stream key as the API shows it: never the key. */
export interface KeyInfo {
  readonly id: string;
  /** Index of its camera; null for a camera that is no longer configured. */
  readonly stream: number | null;
  /** Path of the camera that it was made for. */
  readonly path: string;
  readonly label: string;
  readonly kind: 'random' | 'chosen';
  readonly state: 'valid' | 'early' | 'expired';
  /** ISO 8601. */
  readonly created: string;
  readonly notBefore: string | null;
  readonly notAfter: string | null;
  /** Somebody publishes with it at this moment. */
  readonly running: boolean;
  /** ISO 8601; null if it was not used since the server started. */
  readonly lastUsed: string | null;
}

/** What a new key is made from; times are wall-clock ms. */
export interface KeyWish {
  readonly stream: number;
  readonly label: string;
  readonly notBeforeMs: number | null;
  readonly notAfterMs: number | null;
  readonly secret?: string;
}

/** A key with its secret, which is told this once. */
export type NewKeyInfo = KeyInfo & { readonly key: string };

/** Why a change of the keys is refused. */
export class KeyRefusal extends Error {
  readonly status: 404 | 409 | 422 | 503;

  constructor(status: KeyRefusal['status'], text: string) {
    super(text);
    this.name = 'KeyRefusal';
    this.status = status;
  }
}

/** Publish authentication as the API handles it. What is refused is thrown as {@link KeyRefusal}. */
export interface KeySource {
  publishAuth(): {
    /** Publishers of some camera are asked for a credential. */
    readonly enabled: boolean;
    readonly methods: readonly PublishMethod[];
    /** Indexes of the cameras whose publishers are. */
    readonly streams: readonly number[];
  };
  keys(): KeyInfo[];
  addKey(wish: KeyWish): Promise<NewKeyInfo>;
  changeKey(
    id: string,
    change: { readonly label?: string; readonly notBeforeMs?: number | null; readonly notAfterMs?: number | null },
  ): Promise<KeyInfo>;
  rotateKey(id: string, running: 'cut' | 'keep', graceMs: number): Promise<NewKeyInfo>;
  revokeKey(id: string, running: 'cut' | 'keep'): Promise<void>;
}
