import { RtspClient, type RtspClientOptions } from '../../test/support/rtsp-client.ts';
import { type ClockDrift, fitClocks, type Instant, UnwrappedTime } from './clock-drift.ts';

/** Milliseconds between two looks at what has come. Shorter than the time between two sender reports. */
const lookMs = 500;
/** Looks of which only the picture that came soonest after its time counts: a stall of the publisher is no drift. */
const looksPerInstant = 20;
/** Looks between two receiver reports of ours, which keep the session alive. */
const looksPerReport = 10;

/** What the clocks of one reader say at the end. */
export interface ClockFindings {
  readonly units: number;
  readonly lostPackets: number;
  /** RTP time against NTP time, from the sender reports. */
  readonly reports: ClockDrift | null;
  /** RTP time against our wall clock at arrival, of the soonest picture in each ten seconds. */
  readonly arrivals: ClockDrift | null;
  /** Wall clock at arrival less that of the picture, of the one that came latest, ms. */
  readonly latestMs: number;
  /**
   * Wall clock at arrival less the wall clock that RTP time and the newest sender report give, ms: the smallest of the first
   * and of the last fifth of the run. Their difference is what a recorder's timeline would be off by.
   */
  readonly firstDelayMs: number;
  readonly lastDelayMs: number;
  readonly closed: boolean;
}

interface Soonest {
  readonly instant: Instant;
  readonly delayMs: number;
}

/** A reader of ours that does nothing but watch the clocks of a stream. */
export class ClockReader {
  readonly #client: RtspClient;
  readonly #reportTime = new UnwrappedTime();
  readonly #unitTime = new UnwrappedTime();
  readonly #reported: Instant[] = [];
  readonly #arrived: Instant[] = [];
  readonly #delays: number[] = [];
  #soonest: Soonest | null = null;
  #latestMs = Number.NEGATIVE_INFINITY;
  readonly #timer: NodeJS.Timeout;
  #mapping: { readonly wallMs: number; readonly rtpTime: number } | null = null;
  #looks = 0;
  #units = 0;

  private constructor(client: RtspClient) {
    this.#client = client;
    this.#timer = setInterval(() => this.#look(), lookMs);
  }

  static async play(options: RtspClientOptions): Promise<ClockReader> {
    return new ClockReader(await RtspClient.play(options));
  }

  stop(): ClockFindings {
    clearInterval(this.#timer);
    this.#look();
    const { lostPackets, closed } = this.#client;
    this.#client.close();
    this.#keepSoonest();
    const fifth = Math.ceil(this.#delays.length / 5);
    return {
      units: this.#units,
      lostPackets,
      reports: fitClocks(this.#reported),
      arrivals: fitClocks(this.#arrived),
      latestMs: this.#latestMs,
      firstDelayMs: Math.min(...this.#delays.slice(0, fifth)),
      lastDelayMs: Math.min(...this.#delays.slice(-fifth)),
      closed,
    };
  }

  /** Takes what has come out of the client, which would keep it for ever. */
  #look(): void {
    const units = this.#client.units.splice(0);
    const reports = this.#client.reports.splice(0);
    this.#units += units.length;
    for (const { wallMs, rtpTime } of reports) {
      this.#reported.push({ ntpMs: wallMs, mediaMs: this.#reportTime.ms(rtpTime) });
      this.#mapping = { wallMs, rtpTime };
    }
    for (const { rtpTime, receivedMs } of units) {
      const instant = { ntpMs: performance.timeOrigin + receivedMs, mediaMs: this.#unitTime.ms(rtpTime) };
      const { wallMs, rtpTime: mapped } = this.#mapping ?? { wallMs: instant.ntpMs, rtpTime };
      const delayMs = instant.ntpMs - (wallMs + ((rtpTime - mapped) | 0) / 90);
      if (this.#mapping === null) continue;
      if (this.#soonest === null || delayMs < this.#soonest.delayMs) this.#soonest = { instant, delayMs };
      this.#latestMs = Math.max(this.#latestMs, delayMs);
    }
    if (++this.#looks % looksPerInstant === 0) this.#keepSoonest();
    if (this.#looks % looksPerReport === 0 && !this.#client.closed) this.#client.sendReceiverReport();
  }
  #keepSoonest(): void {
    if (this.#soonest === null) return;
    this.#arrived.push(this.#soonest.instant);
    this.#delays.push(this.#soonest.delayMs);
    this.#soonest = null;
  }
}
