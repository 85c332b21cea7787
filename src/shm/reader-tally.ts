import { type ErrorCode, errorTable } from '../base/errors.ts';

/**
 * What the consumers count of their readers, in one SharedArrayBuffer of 64-bit floating-point words: a line for each consumer,
 * which alone writes it. All of it counts from the start of the process, also when a consumer is replaced. Nothing is stored
 * for a frame: only when a reader connects, sees its first picture, or leaves.
 *
 *      word 0   connections, failed logins, seconds to the first picture (sum, then one word for each bound and one for the rest)
 *      then     ends, one word for each reason of the error table
 */

/** Upper bounds of the times to the first picture, in seconds. They are known to a quarter of a second. */
export const firstPictureBounds = [0.5, 1, 2, 3, 5, 10, 30] as const;

const connectionsWord = 0;
const failedLoginsWord = 1;
const firstPictureSumWord = 2;
const firstPictureWords = 3;
const endWords = firstPictureWords + firstPictureBounds.length + 1;
const codes = Object.keys(errorTable) as ErrorCode[];
const places = new Map(codes.map((code, place) => [code, place]));
const lineWords = Math.ceil((endWords + codes.length) / 8) * 8;

/** Sums over all consumers. */
export interface ReaderTotals {
  readonly connections: number;
  readonly failedLogins: number;
  /** Seconds from PLAY to the first picture of a live camera: readers up to each bound of {@link firstPictureBounds}, and the rest. */
  readonly firstPicture: { readonly counts: readonly number[]; readonly sum: number };
  /** Connections that have ended, by reason; those with 0 are left out. */
  readonly ends: ReadonlyMap<ErrorCode, number>;
}

/** The line of one consumer, for that consumer. */
export class ReaderTally {
  readonly #words: Float64Array<SharedArrayBuffer>;

  /** Memory for consumers 0 to `consumers` - 1, all words zero. */
  static create(consumers: number): SharedArrayBuffer {
    return new SharedArrayBuffer(consumers * lineWords * Float64Array.BYTES_PER_ELEMENT);
  }

  constructor(memory: SharedArrayBuffer, consumer: number) {
    this.#words = new Float64Array(memory, consumer * lineWords * Float64Array.BYTES_PER_ELEMENT, lineWords);
  }

  /** For a consumer that starts: the connections of one that failed before it have ended with that. */
  takeOver(): void {
    const ended = this.#words.subarray(endWords, endWords + codes.length).reduce((sum, count) => sum + count, 0);
    this.#add(endWords + places.get('worker_failed')!, this.#words[connectionsWord]! - ended);
  }

  connected(): void {
    this.#add(connectionsWord, 1);
  }

  ended(reason: ErrorCode, failedLogins: number): void {
    this.#add(endWords + places.get(reason)!, 1);
    this.#add(failedLoginsWord, failedLogins);
  }

  /** A reader sees the first picture of a camera, `ms` after it asked for it. */
  firstPicture(ms: number): void {
    const seconds = ms / 1000;
    const bound = firstPictureBounds.findIndex((most) => seconds <= most);
    this.#add(firstPictureSumWord, seconds);
    this.#add(firstPictureWords + (bound < 0 ? firstPictureBounds.length : bound), 1);
  }

  #add(word: number, amount: number): void {
    this.#words[word] = this.#words[word]! + amount;
  }
}

/** What all consumers have counted, for whoever shows it. */
export function readTallies(memory: SharedArrayBuffer): ReaderTotals {
  const words = new Float64Array(memory);
  const sum = (word: number): number => {
    let total = 0;
    for (let at = word; at < words.length; at += lineWords) total += words[at]!;
    return total;
  };
  const ends = codes.map((code, place) => [code, sum(endWords + place)] as const);
  return {
    connections: sum(connectionsWord),
    failedLogins: sum(failedLoginsWord),
    firstPicture: {
      counts: Array.from({ length: firstPictureBounds.length + 1 }, (_, i) => sum(firstPictureWords + i)),
      sum: sum(firstPictureSumWord),
    },
    ends: new Map(ends.filter(([, count]) => count > 0)),
  };
}
