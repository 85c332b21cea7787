/** What the server's log says over a long run, without keeping all of it. */

/** A line that says how a connection ended. */
export interface EndingLine {
  readonly level: string;
  readonly msg: string;
  readonly peer: string;
  readonly conn: string;
  readonly reason: string;
  readonly raw: string;
}

/** Endings and faults that are kept. */
const keptEndings = 4000;
const keptFaults = 50;

/** Reasons that are the server's own fault. */
const ownFaults = new Set(['internal', 'worker_failed']);

/** Counts reasons and keeps what must not be there. */
export class LogTally {
  /** Endings by reason; refusals count as often as the server says. */
  readonly reasons = new Map<string, number>();
  /** Lines that must not be: errors, internal reasons, output that is no log. */
  readonly faults: string[] = [];
  faultCount = 0;
  lines = 0;
  started = 0;
  stopped = 0;
  /** The line that tells the ports, once it has come. */
  ready: Record<string, unknown> | null = null;
  readonly #endings: EndingLine[] = [];
  #rest = '';

  /** Takes the log as it comes. */
  take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) this.#line(line);
  }

  /** Endings of a peer, as far back as they are kept; the newest connection only. */
  endings(peer: string): EndingLine[] {
    const newest = this.#endings.findLast((line) => line.peer === peer);
    return newest === undefined ? [] : this.#endings.filter(({ conn }) => conn === newest.conn);
  }

  /** Something that must not be. */
  fault(text: string): void {
    this.faultCount++;
    if (this.faults.length < keptFaults) this.faults.push(text);
  }

  #line(raw: string): void {
    this.lines++;
    let record: Record<string, unknown>;
    try {
      record = JSON.parse(raw) as Record<string, unknown>;
    } catch {
      this.fault(`not a line of the log: ${raw.slice(0, 500)}`);
      return;
    }
    const { level, msg, reason, peer, conn, count } = record;
    if (level === 'error' || level === 'fatal' || ownFaults.has(String(reason))) this.fault(raw);
    if (msg === 'Skyweir is ready') this.ready = record;
    else if (msg === 'RTMP Stream Started') this.started++;
    else if (msg === 'RTMP Stream Stopped') this.stopped++;
    else if (typeof reason === 'string') {
      this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + (typeof count === 'number' ? count : 1));
      if (typeof peer !== 'string' || !String(msg).includes('closed: ')) return;
      this.#endings.push({ level: String(level), msg: String(msg), peer, conn: String(conn), reason, raw });
      if (this.#endings.length > keptEndings) this.#endings.splice(0, keptEndings / 4);
    }
  }
}
