import { StartError } from '../config/errors.ts';
import type { Camera } from '../control/messages.ts';
import { type KeyChange, KeyProblem, type KeyRecord, keyState } from '../publish-auth/key-book.ts';
import { type KeyInfo, KeyRefusal, type KeySource, type KeyWish, type NewKeyInfo } from '../status/key-source.ts';
import type { PublishAuth } from './publish-auth.ts';
import type { MadeKey } from './publish-keys.ts';

/** What a {@link KeyView} looks at. */
export interface KeyViewOptions {
  readonly auth: PublishAuth;
  readonly cameras: () => readonly Camera[];
  /** Ids of the keys that somebody publishes with. */
  readonly runningKeys: () => ReadonlySet<string>;
  readonly wallMs: () => number;
}

/** Publish authentication as the API shows and changes it. */
export class KeyView implements KeySource {
  readonly #options: KeyViewOptions;

  constructor(options: KeyViewOptions) {
    this.#options = options;
  }

  publishAuth(): ReturnType<KeySource['publishAuth']> {
    const { auth, cameras } = this.#options;
    const asked = cameras().filter((camera) => auth.requires(camera));
    return { enabled: auth.enabled, methods: auth.methods, streams: asked.map(({ index }) => index) };
  }

  keys(): KeyInfo[] {
    const look = this.#look();
    return this.#options.auth.keys.book.keys.map(look);
  }

  addKey({ stream, ...wish }: KeyWish): Promise<NewKeyInfo> {
    const camera = this.#options.cameras().find(({ index }) => index === stream);
    if (camera === undefined) throw new KeyRefusal(404, `there is no camera ${stream}`);
    return this.#try(async ({ keys }) => this.#shown(await keys.add({ ...wish, camera: camera.rtspPath })));
  }

  changeKey(id: string, change: KeyChange): Promise<KeyInfo> {
    return this.#try(async ({ keys }) => this.#look()(await keys.change(id, change)));
  }

  rotateKey(id: string, running: 'cut' | 'keep', graceMs: number): Promise<NewKeyInfo> {
    return this.#try(async ({ keys }) => this.#shown(await keys.rotate(id, { graceMs, cut: running === 'cut' })));
  }

  revokeKey(id: string, running: 'cut' | 'keep'): Promise<void> {
    return this.#try(({ keys }) => keys.revoke(id, running === 'cut'));
  }

  #shown({ record, secret }: MadeKey): NewKeyInfo {
    return { ...this.#look()(record), key: secret };
  }

  /** What turns records into what is shown, as things are at this moment. */
  #look(): (key: KeyRecord) => KeyInfo {
    const { auth, cameras, runningKeys, wallMs } = this.#options;
    const byPath = new Map(cameras().map((camera) => [camera.rtspPath.toLowerCase(), camera]));
    const running = runningKeys();
    const nowMs = wallMs();
    return (key) => {
      const camera = byPath.get(key.camera);
      return {
        id: key.id,
        stream: camera?.index ?? null,
        path: camera?.path ?? key.camera,
        label: key.label,
        kind: key.kind,
        state: keyState(key, nowMs),
        created: new Date(key.createdMs).toISOString(),
        notBefore: isoTime(key.notBeforeMs),
        notAfter: isoTime(key.notAfterMs),
        running: running.has(key.id),
        lastUsed: isoTime(auth.keys.lastUsedMs(key.id)),
      };
    };
  }

  async #try<T>(act: (auth: PublishAuth) => Promise<T>): Promise<T> {
    try {
      return await act(this.#options.auth);
    } catch (error) {
      if (error instanceof KeyProblem) {
        const statuses = { unknown: 404, full: 409, invalid: 422 } as const;
        throw new KeyRefusal(statuses[error.kind], error.message);
      }
      if (error instanceof StartError) throw new KeyRefusal(503, error.message);
      throw error;
    }
  }
}

function isoTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
