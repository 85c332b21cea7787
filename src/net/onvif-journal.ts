import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { OnvifAnswer } from '../onvif/onvif-dispatcher.ts';
import { kindOf, LimitedLog } from './limited-log.ts';

/** What an ONVIF device has counted; devices may share one. */
export interface OnvifCounters {
  /** Connections that are open now, tunnels among them. */
  connections: number;
  requests: number;
  faults: number;
  /** Wrong passwords, times and nonces, and logins that came too soon after those. */
  authFailures: number;
  /** Connections and requests that were no business of an ONVIF device, or too many, too large or too slow. */
  refused: number;
  /** Tunnels of RTSP over HTTP, two to a reader. */
  tunnels: number;
}

export function newOnvifCounters(): OnvifCounters {
  return { connections: 0, requests: 0, faults: 0, authFailures: 0, refused: 0, tunnels: 0 };
}

/** What an {@link OnvifJournal} writes to. */
export interface OnvifJournalOptions {
  readonly logger: Logger;
  readonly counters: OnvifCounters;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** Counts what a device refuses, and tells it to the log with its reason, but no more than so often. */
export class OnvifJournal {
  readonly #options: OnvifJournalOptions;
  readonly #log = new LimitedLog();

  constructor(options: OnvifJournalOptions) {
    this.#options = options;
  }

  /** An answer with a problem. */
  answered({ problem, status }: OnvifAnswer, address: string): void {
    if (problem === null) return;
    const { logger, counters, clock } = this.#options;
    const { kind, error } = problem;
    const reason = shortened(problem.reason);
    const operation = problem.operation === undefined ? undefined : shortened(problem.operation);
    if (kind === 'refused') {
      this.refused(reason, address);
      return;
    }
    if (kind === 'login') counters.authFailures++;
    else counters.faults++;
    this.#log.line(kind, clock.nowMs(), (suppressed) => {
      const fields = {
        address,
        status,
        reason,
        ...(operation && { operation }),
        ...(suppressed > 0 && { suppressed }),
      };
      if (kind === 'internal') logger.error({ ...fields, err: error }, 'an ONVIF request failed');
      else if (kind === 'login') logger.warn(fields, `an ONVIF login failed: ${reason}`);
      else logger.info(fields, `an ONVIF request was refused: ${reason}`);
    });
  }

  /** A connection that goes on to the RTSP port, where it is known as `rtspPeer`. */
  tunnelled(rtspPeer: string, address: string): void {
    this.#options.counters.tunnels++;
    this.#options.logger.debug({ address, rtspPeer }, 'tunnelled RTSP goes on to the RTSP port');
  }

  /** A connection or request that did not get as far as an answer of a service. */
  refused(reason: string, address: string): void {
    const { logger, counters, clock } = this.#options;
    counters.refused++;
    this.#log.line(kindOf(reason), clock.nowMs(), (suppressed) =>
      logger.warn({ address, reason, ...(suppressed > 0 && { suppressed }) }, `refused at the ONVIF port: ${reason}`),
    );
  }
}

/** Faults repeat names that clients chose. */
function shortened(text: string): string {
  const { loggedCharacters } = limits.onvif;
  return text.length <= loggedCharacters ? text : `${text.slice(0, loggedCharacters)}…`;
}
