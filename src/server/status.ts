import type { SecureContext } from 'node:tls';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import { StartError } from '../config/errors.ts';
import type { Config } from '../config/schema.ts';
import type { HttpPort } from '../net/http-port.ts';
import type { ListenError } from '../net/listen.ts';
import type { PreviewSockets } from '../net/preview-sockets.ts';
import type { StatusServer } from '../net/status-server.ts';
import { TlsContexts } from '../net/tls-context.ts';
import { TlsMaterialBoard } from '../net/tls-material.ts';
import type { StatusRoute } from '../status/route.ts';
import { describeListenError } from './acceptor-supervisor.ts';
import type { Access } from './access.ts';
import type { StatusView } from './status-view.ts';

/** What a {@link Status} is made with. */
export interface StatusOptions {
  readonly view: StatusView;
  readonly credentials: { readonly user: string; readonly password: string } | null;
  readonly digestSha256: boolean;
  /** Of parts of the server that bring their own. */
  readonly routes: readonly StatusRoute[];
  /** {@link TlsMaterialBoard} memory. */
  readonly tls: SharedArrayBuffer;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What a change of the port comes to, once everything that can fail has been done. */
export interface StatusChange {
  /** Puts it in force. */
  commit(): void;
  /** Something else failed: closes what was opened. */
  abort(): void;
}

interface OpenPort {
  readonly key: string;
  readonly http: HttpPort;
  readonly port: number;
}

/** The operator's HTTP port: opened, moved and closed as the configuration wants it. */
export class Status {
  readonly #options: StatusOptions;
  readonly #board: TlsMaterialBoard;
  readonly #contexts: TlsContexts;
  #access: Access | null = null;
  #server: StatusServer | null = null;
  #previews: PreviewSockets | null = null;
  #open: OpenPort | null = null;

  constructor(options: StatusOptions) {
    this.#options = options;
    this.#board = new TlsMaterialBoard(options.tls);
    this.#contexts = new TlsContexts(options.tls);
  }

  /** The port in use, null while there is none. */
  get port(): number | null {
    return this.#open?.port ?? null;
  }

  /** Opens what a configuration needs beyond what is open. Throws {@link StartError} if the port cannot be had. */
  async prepare(config: Config): Promise<StatusChange> {
    const before = this.#open;
    const host = config.httpHost || config.host;
    const key = `${host} ${config.httpPort}`;
    if (config.http && before?.key === key) return { commit: () => {}, abort: () => {} };
    const next = config.http ? await this.#listen(key, host, config) : null;
    return {
      commit: () => {
        this.#open = next;
        if (before !== null) this.#previews?.close('the port moves; reload the page');
        before?.http.retire();
      },
      abort: () => void next?.http.close(),
    };
  }

  /** Ends all connections, and gives the port back. */
  async close(): Promise<void> {
    this.#access?.close();
    // In this order: what is told to clients leaves before their connections are ended.
    await Promise.all([this.#server?.close(), this.#open?.http.close()]);
    this.#server = null;
    this.#open = null;
  }

  async #listen(key: string, host: string, config: Config): Promise<OpenPort> {
    const { logger } = this.#options;
    const flag = '--http-port';
    const server = await this.#start(host, config);
    const { HttpPort } = await import('../net/http-port.ts');
    const http = new HttpPort({
      host,
      port: config.httpPort,
      flag,
      bounds: limits.http,
      secureContext: () => this.#secureContext(),
      onRequest: server.handle,
      onUpgrade: server.upgrade,
      onRefused: (reason, address) => server.refused(reason, address),
      counts: this.#options.view.httpCounts,
      logger,
    });
    try {
      return { key, http, port: await http.listen() };
    } catch (error) {
      const { port, code } = error as ListenError;
      const hostFlag = config.httpHost === '' ? '--host' : '--http-host';
      throw new StartError(describeListenError(flag, port, code, hostFlag), { cause: error });
    }
  }

  /** Loaded only where it is wanted: it takes some 30 MB. */
  async #start(host: string, config: Config): Promise<StatusServer> {
    if (this.#server === null) {
      const [{ Access }, { StatusServer }, { PreviewSockets }] = await Promise.all([
        import('./access.ts'),
        import('../net/status-server.ts'),
        import('../net/preview-sockets.ts'),
      ]);
      const { view, routes, clock, logger } = this.#options;
      const { stateDir, sessionIdleMs: idleMs, sessionLifetimeMs: lifetimeMs } = config;
      const counts = view.httpCounts;
      this.#access ??= await Access.open({
        ...this.#options,
        stateDir,
        host,
        counts,
        sessions: { idleMs, lifetimeMs },
      });
      const previews = new PreviewSockets({
        source: view.previews,
        counts,
        clock,
        onRefused: (reason, address) => this.#access?.http.journal.refused(reason, address),
      });
      this.#previews = previews;
      const access = this.#access.http;
      this.#server = await StatusServer.create({ source: view, routes, access, previews, counts, logger });
    }
    return this.#server;
  }

  #secureContext(): SecureContext | null {
    return this.#board.filled ? this.#contexts.current() : null;
  }
}
