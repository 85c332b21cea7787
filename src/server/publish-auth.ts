import type { Clock } from '../base/clock.ts';
import type { ErrorCode } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import { StartError } from '../config/errors.ts';
import type { Config } from '../config/schema.ts';
import type { Camera, Peer } from '../control/messages.ts';
import { AddressFilter } from '../net/address-filter.ts';
import { callHttp } from '../net/http-call.ts';
import { LimitedLog } from '../net/limited-log.ts';
import { LoginThrottle } from '../onvif/login-throttle.ts';
import { Callback } from '../publish-auth/callback.ts';
import { JwksCache } from '../publish-auth/jwks-cache.ts';
import { type GateMethods, type GateVerdict, PublishGate } from '../publish-auth/publish-gate.ts';
import { ReplayMemory } from '../publish-auth/replay-memory.ts';
import { isPassing, type PublishMethod } from '../publish-auth/verdict.ts';
import { FileWatch } from './file-watch.ts';
import { PublishKeys } from './publish-keys.ts';
import { isUrl, readJwks, secretFiles } from './publish-secret-files.ts';
import { readSecrets } from './secret-file.ts';

/** Whether a publisher is let in. `detail` is for the log. */
export type Admission =
  | {
      readonly type: 'admitted';
      readonly keyId: string | null;
      readonly detail: string;
      /** Uses the credential up, where it is for one use. A reason if it no longer can be used. */
      use(): ErrorCode | null;
      /** The publication did not come about, and the credential may be used again. */
      giveBack(): void;
    }
  | {
      readonly type: 'refused';
      readonly reason: ErrorCode;
      readonly detail?: string;
      /** It will pass by itself. */
      readonly passing: boolean;
    };

/** Who wants to publish what. */
export interface AdmissionRequest {
  /** Null: no camera has the path. */
  readonly camera: Camera | null;
  /** Without a key in it. */
  readonly path: string;
  readonly query: string;
  readonly pathKey: string | null;
  readonly peer: Peer;
  readonly listenerPort: number;
  readonly tls: boolean;
  /** Monotonic ms. */
  readonly deadlineMs: number;
}

/** What {@link PublishAuth} is made with. */
export interface PublishAuthOptions {
  readonly stateDir: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onCut: (keyId: string) => void;
}

/** What is asked of the publishers of one camera. */
interface CameraRule {
  readonly required: boolean;
  /** Null: all addresses. */
  readonly addresses: AddressFilter | null;
}

/** A configuration that was found good, and is put in force by `commit`. */
export interface PublishAuthChange {
  commit(): void;
}

const freeRule: CameraRule = { required: false, addresses: null };

/** Decides who may publish: the configuration, files, clocks and HTTP around the {@link PublishGate}. */
export class PublishAuth {
  readonly keys: PublishKeys;
  readonly #options: PublishAuthOptions;
  readonly #gate: PublishGate;
  readonly #replays = new ReplayMemory();
  readonly #log = new LimitedLog();
  /** By RTSP path in lower case. */
  #rules = new Map<string, CameraRule>();
  #anyRequired = false;
  #config: Config | null = null;
  #jwks: JwksCache | null = null;
  #files: FileWatch | null = null;

  constructor(options: PublishAuthOptions) {
    const { stateDir, clock, logger, onCut } = options;
    this.#options = options;
    this.keys = new PublishKeys({ stateDir, clock, logger, onCut });
    this.#gate = new PublishGate(this.#keysOnly, new LoginThrottle(), clock);
  }

  /** Some camera asks its publishers for a credential. */
  get enabled(): boolean {
    return this.#anyRequired;
  }

  /** The methods that are in force. */
  get methods(): PublishMethod[] {
    if (!this.#anyRequired) return [];
    const { signedUrls, tokens, callback } = this.#gate.methods;
    const others = { 'signed-url': signedUrls, jwt: tokens, callback };
    return ['keys', ...(Object.keys(others) as (keyof typeof others)[]).filter((method) => others[method] !== null)];
  }

  /** Whether the publishers of a camera are asked for a credential. */
  requires(camera: Pick<Camera, 'rtspPath'>): boolean {
    return this.#ruleOf(camera).required;
  }

  /** Reads all files of a configuration. Throws {@link StartError} for one that is no good. Nothing has changed until `commit`. */
  async prepare(config: Config): Promise<PublishAuthChange> {
    const rules = new Map(
      config.cameraList.map(({ rtspPath, ownAccess }): [string, CameraRule] => {
        const { 'publish-auth': own, 'allow-ip': ranges } = ownAccess;
        const required = own === undefined ? config.publishAuth : own === 'required';
        return [rtspPath.toLowerCase(), { required, addresses: ranges ? new AddressFilter(ranges, []) : null }];
      }),
    );
    const isRequired = [...rules.values()].some(({ required }) => required);
    const files = new FileWatch(secretFiles(config), () => this.#reload());
    await files.note();
    // A driver's installation has no such files, and must not fail over one.
    const methods = isRequired ? await this.#methods(config) : null;
    if (isRequired && !this.#anyRequired) await this.keys.load();
    else if (this.#config === null) await this.keys.loadIfGood();
    return {
      commit: () => {
        this.#rules = rules;
        this.#anyRequired = isRequired;
        this.#config = config;
        this.#files?.stop();
        this.#files = isRequired ? files : null;
        this.#files?.start();
        this.keys.watch();
        // Keys of a key server do not outlast the setting that names it.
        this.#use(methods ?? { ...this.#keysOnly, jwks: null });
      },
    };
  }

  /**
   * Whether somebody may publish. Null: nothing is asked, and the path alone decides, as always. `signal` says that nobody waits any
   * more. Never rejects.
   */
  check(request: AdmissionRequest, signal: AbortSignal): Promise<Admission> | null {
    const { camera, peer } = request;
    const { required, addresses } =
      camera === null ? { ...freeRule, required: this.#anyRequired } : this.#ruleOf(camera);
    if (!required && addresses === null) return null;
    const isDenied = addresses !== null && !addresses.admits(peer.address);
    if (!required) return Promise.resolve(isDenied ? denied : this.#admission(null));
    // Also for an address that is denied: the time must not tell that the camera is there.
    return this.#decide(request, signal).then((verdict) => {
      if (verdict.type === 'refused') return { ...verdict, passing: isPassing(verdict.reason) };
      return isDenied ? denied : this.#admission(verdict);
    });
  }

  close(): void {
    this.keys.close();
    this.#files?.stop();
    this.#jwks?.close();
  }

  // ---- one decision --------------------------------------------------------------------------------------------------

  async #decide(request: AdmissionRequest, signal: AbortSignal): Promise<GateVerdict> {
    const { peer, deadlineMs, ...rest } = request;
    const { id: connection, address, port } = peer;
    const leftMs = deadlineMs - limits.publishAuth.decisionSpareMs - this.#options.clock.nowMs();
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), Math.max(0, Math.min(limits.publishAuth.decisionMs, leftMs)));
    try {
      const either = AbortSignal.any([signal, deadline.signal]);
      return await this.#gate.check({ ...rest, connection, address, port }, either);
    } finally {
      clearTimeout(timer);
    }
  }

  #admission(verdict: (GateVerdict & { type: 'accepted' }) | null): Admission {
    const { once, keyId = null, method, detail = '' } = verdict ?? {};
    return {
      type: 'admitted',
      keyId,
      detail: method === undefined ? '' : `${method}: ${detail}`,
      use: () => {
        if (keyId !== null && this.keys.book.get(keyId) === null) return 'credential_wrong';
        if (keyId !== null) this.keys.used(keyId);
        if (once === undefined) return null;
        const taken = this.#replays.take(once.id, once.untilMs, this.#options.clock.wallMs());
        if (taken === 'taken') return null;
        return taken === 'used' ? 'credential_replayed' : 'credential_unavailable';
      },
      giveBack: () => {
        if (once !== undefined) this.#replays.giveBack(once.id);
      },
    };
  }

  #ruleOf({ rtspPath }: Pick<Camera, 'rtspPath'>): CameraRule {
    // A camera that came a moment ago and is not known yet is treated as one that asks, if any does.
    return this.#rules.get(rtspPath.toLowerCase()) ?? { ...freeRule, required: this.#anyRequired };
  }

  // ---- the methods ---------------------------------------------------------------------------------------------------

  async #methods(config: Config): Promise<GateMethods & { readonly jwks: JwksCache | null }> {
    const { publishClockSkewMs: skewMs, publishSingleUse: singleUse } = config;
    const secrets = await readSecrets('--publish-sign-secret-file', config.publishSignSecretFile, 2);
    const signedUrls = secrets === null ? null : { secrets, skewMs, singleUse, inRange };
    const jwks = this.#jwksOf(config.publishJwks);
    const keyFor = jwks?.keyFor ?? (await readJwks(config.publishJwks));
    const { publishJwtAlgorithms: algorithms, publishJwtIssuer: issuer, publishJwtAudience: audience } = config;
    const tokens = keyFor === null ? null : { keyFor, algorithms, issuer, audience, skewMs, singleUse };
    return { keys: this.keys.check, signedUrls, tokens, callback: await this.#callbackOf(config), jwks };
  }

  get #keysOnly(): GateMethods {
    return { keys: this.keys.check, signedUrls: null, tokens: null, callback: null };
  }

  #use({ jwks, ...methods }: GateMethods & { readonly jwks: JwksCache | null }): void {
    if (this.#jwks !== jwks) this.#jwks?.close();
    this.#jwks = jwks;
    this.#gate.methods = methods;
  }

  /** For a URL; null for a file, and for none. The keys of a URL that stays the same stay too. */
  #jwksOf(place: string | null): JwksCache | null {
    if (place === null || !isUrl(place)) return null;
    if (this.#jwks !== null && this.#config?.publishJwks === place) return this.#jwks;
    const { clock } = this.#options;
    return new JwksCache({
      source: async (signal) => {
        const { jwksTimeoutMs: timeoutMs, jwksBytes: maximumBytes } = limits.publishAuth;
        const headers = { Accept: 'application/jwk-set+json, application/json' };
        const { status, body } = await callHttp({
          url: place,
          method: 'GET',
          headers,
          timeoutMs,
          maximumBytes,
          signal,
        });
        if (status !== 200) throw new Error(`status ${status}`);
        return body;
      },
      nowMs: () => clock.nowMs(),
      onFailure: (problem) => this.#warn('jwks', `${place}: the keys for tokens could not be had: ${problem}`),
    });
  }

  async #callbackOf(config: Config): Promise<Callback | null> {
    const { publishCallback: url, publishCallbackTimeoutMs: timeoutMs, publishCallbackSecretFile } = config;
    const secrets = await readSecrets('--publish-callback-secret-file', publishCallbackSecretFile, 1);
    if (url === null) return null;
    const { clock } = this.#options;
    const maximumBytes = limits.publishAuth.callbackBytes;
    return new Callback({
      post: async (body, more) => {
        const headers = { 'Content-Type': 'application/json', ...more };
        return (await callHttp({ url, method: 'POST', headers, body, timeoutMs, maximumBytes })).status;
      },
      secret: secrets?.[0] ?? null,
      nowMs: () => clock.nowMs(),
      wallMs: () => clock.wallMs(),
      onFailure: (problem) => this.#warn('callback', `${url}: the callback did not decide: ${problem}`),
    });
  }

  /** A file has changed. What was good stays in force while the new one is not. */
  async #reload(): Promise<void> {
    const config = this.#config;
    if (config === null) return;
    try {
      const methods = await this.#methods(config);
      if (this.#config !== config) return;
      this.#use(methods);
      this.#options.logger.info({}, 'secrets of the publish authentication were read anew');
    } catch (error) {
      const text = error instanceof StartError ? error.message : String(error);
      this.#options.logger.error({}, `${text}; what was read before stays in force`);
    }
  }

  #warn(kind: string, text: string): void {
    const { clock, logger } = this.#options;
    this.#log.line(kind, clock.nowMs(), (suppressed) => logger.warn(suppressed > 0 ? { suppressed } : {}, text));
  }
}

const denied: Admission = { type: 'refused', reason: 'address_denied', passing: false };

/** Whether an address lies in a range that a stranger wrote; false for a range that is none. */
function inRange(address: string, range: string): boolean {
  try {
    return new AddressFilter([range], []).admits(address);
  } catch {
    return false;
  }
}
