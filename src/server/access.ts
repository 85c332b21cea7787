import { randomBytes } from 'node:crypto';
import { AccessControl } from '../access/access-control.ts';
import { PasswordHasher, type ScryptCost } from '../access/password-hash.ts';
import type { SessionTimes } from '../access/sessions.ts';
import { isLoopback } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import { HttpAccess } from '../net/http-access.ts';
import { HttpJournal } from '../net/http-journal.ts';
import type { HttpCounts } from '../status/counts.ts';
import { AccessFiles } from './access-files.ts';
import { FileWatch } from './file-watch.ts';

/** What {@link Access} is made with. */
export interface AccessOptions {
  /** Null with `--no-auth`. */
  readonly credentials: { readonly user: string; readonly password: string } | null;
  readonly digestSha256: boolean;
  readonly stateDir: string;
  readonly sessions: SessionTimes;
  /** Bind address of the HTTP port. */
  readonly host: string;
  readonly counts: HttpCounts;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of a password; tests put a cheaper one in. */
  readonly passwordCost?: ScryptCost;
}

/** Who may do what at the HTTP port, with the files behind it, which are watched. */
export class Access {
  readonly http: HttpAccess;
  readonly #watch: FileWatch;
  readonly #sweeping: NodeJS.Timeout;

  private constructor(http: HttpAccess, watch: FileWatch) {
    this.http = http;
    this.#watch = watch;
    watch.start();
    this.#sweeping = setInterval(() => http.control.sweep(), limits.access.sweepMs).unref();
  }

  /** Throws `StartError` if users or tokens cannot be read. */
  static async open(options: AccessOptions): Promise<Access> {
    const { credentials, digestSha256, stateDir, sessions, host, counts, clock, logger } = options;
    const files = new AccessFiles(stateDir);
    const journal = new HttpJournal(counts, clock, logger);
    const control = new AccessControl({
      builtIn: credentials,
      digestSha256,
      sessions,
      store: files,
      hasher: new PasswordHasher(randomBytes, options.passwordCost),
      journal,
      clock,
      random: randomBytes,
    });
    // The command line changes them too.
    const watch = new FileWatch([files.users, files.tokens], async () => {
      await control.reload().catch((error: Error) => {
        logger.error({}, `${error.message}; users and tokens stay as they were`);
      });
    });
    await watch.note();
    await control.reload();
    for (const warning of await files.exposures()) logger.warn({}, warning);
    const isLocal = isLoopback(host);
    if (credentials === null) logger.warn({ host }, openWarning(isLocal));
    return new Access(new HttpAccess(control, journal, isLocal), watch);
  }

  /** Looks no more. */
  close(): void {
    this.#watch.stop();
    clearInterval(this.#sweeping);
  }
}

function openWarning(isLocal: boolean): string {
  return isLocal
    ? '--no-auth: whoever is on this machine may see and change everything at the HTTP port'
    : '--no-auth: whoever reaches the HTTP port may see everything there; to change something, log in as a user of the list (skyweir users add), or keep the port to this machine with --http-host 127.0.0.1';
}
