import type { LoginJournal } from '../access/password-login.ts';
import { isLoopback } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { HttpCounts } from '../status/counts.ts';
import type { Role, RouteAnswer, RouteClient, RouteUser } from '../status/route.ts';
import { kindOf, LimitedLog } from './limited-log.ts';

/** A change that somebody made, or wanted to make, through the API. */
export interface ApiChange {
  readonly user: RouteUser;
  readonly address: string;
  readonly method: string;
  /** As it came, without the query. */
  readonly path: string;
  readonly status: number;
  readonly note: RouteAnswer['note'];
}

/** What the log tells of logins at the HTTP port, and of what was changed through it. It holds no secret. */
export class HttpJournal implements LoginJournal {
  readonly #counts: HttpCounts;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #log = new LimitedLog(limits.http.logWindowMs);
  #plainTold = false;

  constructor(counts: HttpCounts, clock: Clock, logger: Logger) {
    this.#counts = counts;
    this.#clock = clock;
    this.#logger = logger;
  }

  loggedIn(user: string, role: Role, { address, secure }: RouteClient): void {
    this.#logger.info({ user, role, address, secure }, 'logged in at the HTTP port');
    if (secure || isLoopback(address) || this.#plainTold) return;
    this.#plainTold = true;
    this.#logger.warn(
      { address },
      'a password came to the HTTP port without TLS: everybody on the way can read it; use https:// (see docs/access.md)',
    );
  }

  loginFailed(user: string | null, { address }: RouteClient): void {
    this.#counts.authFailures++;
    this.#log.line('login', this.#clock.nowMs(), (suppressed) =>
      this.#logger.warn(
        { address, ...(user !== null && { user }), ...(suppressed > 0 && { suppressed }) },
        'an HTTP login failed',
      ),
    );
  }

  /** One line for each: only those who are logged in can cause it. */
  changed({ user, address, method, path, status, note }: ApiChange): void {
    const { name, role, via = 'none' } = user;
    const shown = path.slice(0, limits.onvif.loggedCharacters);
    this.#logger.info(
      { audit: true, user: name, role, via, address, method, path: shown, status, ...(note && { change: note }) },
      `HTTP API: ${method} ${shown}: ${status}`,
    );
  }

  /** A connection that was refused before it had a request. */
  refused(reason: string, address: string): void {
    this.#counts.refused++;
    this.#log.line(kindOf(reason), this.#clock.nowMs(), (suppressed) =>
      this.#logger.warn(
        { address, reason, ...(suppressed > 0 && { suppressed }) },
        `refused at the HTTP port: ${reason}`,
      ),
    );
  }
}
