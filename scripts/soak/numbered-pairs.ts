/** Publishers of numbered pictures with readers over RTSP, RTSPS and UDP that know each number; two of three over RTMPS. */
import { testCredentials } from '../../test/support/media-server.ts';
import { NumberedStream, pictureNumber } from '../../test/support/numbered-stream.ts';
import { RtspClient } from '../../test/support/rtsp-client.ts';

const tls = { rejectUnauthorized: false };
const intervalMs = 40;
/** About half a megabit. */
const pictureBytes = 2500;
const gop = 25;
/** Milliseconds between two signs of life of a reader. */
const reportMs = 15_000;
/** Milliseconds between two looks at what has come, so that little of it is kept. */
const lookMs = 1000;
/** The largest number that a picture carries is 2^28; at 25 in a second that lasts for months. */
const firstNumber = 1;

/** Where a picture goes in and how it comes out. */
interface Kind {
  readonly secureIn: boolean;
  readonly out: 'rtsp' | 'rtsps' | 'udp';
}
const kinds: readonly Kind[] = [
  { secureIn: false, out: 'rtsps' },
  { secureIn: true, out: 'rtsps' },
  { secureIn: true, out: 'udp' },
];

export interface NumberedFigures {
  readonly sent: number;
  readonly received: number;
  /** As in {@link CheckedFigures}. */
  readonly unexplained: Readonly<Record<string, number>>;
  /** Pictures that UDP lost: that may be this machine's doing. */
  readonly lostByUdp: number;
}

interface Pair {
  readonly kind: Kind;
  readonly stream: NumberedStream;
  readonly reader: RtspClient;
  received: number;
  last: number;
  lost: number;
  wrong: number;
}

export class NumberedPairs {
  /** Paths that it publishes to. */
  static readonly count = kinds.length;
  readonly #pairs: Pair[] = [];
  readonly #cleanups: (() => void)[] = [];

  async start(
    ports: { readonly rtmp: number; readonly rtmps: number; readonly rtsp: number },
    paths: readonly string[],
  ) {
    for (const [index, kind] of kinds.entries()) {
      const path = paths[index]!;
      const reader = await RtspClient.play({
        port: ports.rtsp,
        path,
        credentials: testCredentials,
        transport: kind.out === 'udp' ? 'udp' : 'tcp',
        ...(kind.out === 'rtsps' && { tls }),
      });
      this.#cleanups.push(() => reader.close());
      const context = { after: (cleanup: () => void) => this.#cleanups.push(cleanup) };
      const stream = await NumberedStream.start(context, {
        port: kind.secureIn ? ports.rtmps : ports.rtmp,
        path,
        ...(kind.secureIn && { tls }),
        first: firstNumber,
        bytes: pictureBytes,
        gop,
        intervalMs,
      });
      this.#pairs.push({ kind, stream, reader, received: 0, last: firstNumber - 1, lost: 0, wrong: 0 });
    }
    const look = setInterval(() => this.#look(), lookMs);
    const report = setInterval(() => {
      for (const { reader } of this.#pairs) reader.sendReceiverReport();
    }, reportMs);
    this.#cleanups.push(
      () => clearInterval(look),
      () => clearInterval(report),
    );
  }

  figures(): NumberedFigures {
    this.#look();
    const sum = (count: (pair: Pair) => number): number => this.#pairs.reduce((total, pair) => total + count(pair), 0);
    const byTcp = ({ kind }: Pair): boolean => kind.out !== 'udp';
    return {
      sent: sum(({ stream }) => stream.sent),
      received: sum(({ received }) => received),
      unexplained: {
        'numbered pictures lost': sum((pair) => (byTcp(pair) ? pair.lost : 0)),
        'numbered pictures out of order': sum(({ wrong }) => wrong),
        'numbered publishers cut off': sum(({ stream }) => (stream.closed ? 1 : 0)),
        'numbered readers cut off': sum(({ reader }) => (reader.closed ? 1 : 0)),
      },
      lostByUdp: sum((pair) => (byTcp(pair) ? 0 : pair.lost)),
    };
  }

  /** Sends no more, and waits for what is on its way. */
  async pause(waitMs: number): Promise<NumberedFigures> {
    for (const { stream } of this.#pairs) stream.pause();
    const untilMs = performance.now() + waitMs;
    const missing = (): number => this.#pairs.reduce((sum, { stream, last }) => sum + stream.next - 1 - last, 0);
    for (;;) {
      const figures = this.figures();
      if (missing() === 0 || performance.now() > untilMs) return figures;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Frames that were sent and have not come yet. */
  get missing(): number {
    return this.#pairs.reduce((sum, pair) => sum + (pair.kind.out === 'udp' ? 0 : pair.stream.next - 1 - pair.last), 0);
  }

  close(): void {
    for (const cleanup of this.#cleanups.splice(0)) cleanup();
  }

  #look(): void {
    for (const pair of this.#pairs) {
      const { reader } = pair;
      reader.reports.length = 0;
      for (const { units } of reader.units.splice(0)) {
        const number = pictureNumber(units);
        // The offline card, before the first picture.
        if (number < 0) continue;
        pair.received++;
        if (number > pair.last) {
          pair.lost += number - pair.last - 1;
          pair.last = number;
        } else pair.wrong++;
      }
    }
  }
}
