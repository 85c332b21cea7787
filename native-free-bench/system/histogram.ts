/** Counts microsecond values in buckets about 1.6 % wide, so that percentiles cost no memory per value. */

const subBits = 6;
const subCount = 1 << subBits;
const bucketCount = (31 - subBits + 2) * subCount;

/** What a histogram looks like on its way between processes: pairs of bucket and count, then the exact extremes. */
export interface HistogramData {
  readonly buckets: readonly number[];
  readonly maximumUs: number;
  readonly sumUs: number;
}

/** Percentiles of one histogram, milliseconds; all 0 when nothing was counted. */
export interface LatencySummary {
  readonly count: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maximumMs: number;
}

/** Log-linear histogram of microseconds from 0 to 2^31; larger values are clipped, negative ones count as 0. */
export class Histogram {
  readonly #counts = new Float64Array(bucketCount);
  #count = 0;
  #sum = 0;
  #maximum = 0;

  /** Counts one value in microseconds. */
  add(valueUs: number): void {
    const value = valueUs <= 0 ? 0 : valueUs > 0x7fffffff ? 0x7fffffff : valueUs | 0;
    this.#counts[bucketOf(value)]!++;
    this.#count++;
    this.#sum += value;
    if (value > this.#maximum) this.#maximum = value;
  }

  /** Number of values counted. */
  get count(): number {
    return this.#count;
  }

  /** Forgets everything. */
  reset(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#sum = 0;
    this.#maximum = 0;
  }

  /** The value in microseconds that a share `q` (0 to 1) of all values does not exceed, to the width of a bucket. */
  percentileUs(q: number): number {
    if (this.#count === 0) return 0;
    const wanted = Math.max(1, Math.ceil(q * this.#count));
    let seen = 0;
    for (let i = 0; i < bucketCount; i++) {
      seen += this.#counts[i]!;
      if (seen >= wanted) return Math.min(upperEdge(i), this.#maximum);
    }
    return this.#maximum;
  }

  /** The usual percentiles in milliseconds. */
  summary(): LatencySummary {
    return {
      count: this.#count,
      meanMs: this.#count === 0 ? 0 : this.#sum / this.#count / 1000,
      p50Ms: this.percentileUs(0.5) / 1000,
      p90Ms: this.percentileUs(0.9) / 1000,
      p95Ms: this.percentileUs(0.95) / 1000,
      p99Ms: this.percentileUs(0.99) / 1000,
      p999Ms: this.percentileUs(0.999) / 1000,
      maximumMs: this.#maximum / 1000,
    };
  }

  /** Plain data for another process. */
  toData(): HistogramData {
    const buckets: number[] = [];
    for (let i = 0; i < bucketCount; i++) if (this.#counts[i] !== 0) buckets.push(i, this.#counts[i]!);
    return { buckets, maximumUs: this.#maximum, sumUs: this.#sum };
  }

  /** Adds what another histogram counted. */
  merge(data: HistogramData): void {
    for (let i = 0; i < data.buckets.length; i += 2) {
      this.#counts[data.buckets[i]!]! += data.buckets[i + 1]!;
      this.#count += data.buckets[i + 1]!;
    }
    this.#sum += data.sumUs;
    this.#maximum = Math.max(this.#maximum, data.maximumUs);
  }
}

/** The summary of what another thread or process has counted. */
export function summaryOf(data: HistogramData): LatencySummary {
  const histogram = new Histogram();
  histogram.merge(data);
  return histogram.summary();
}

function bucketOf(value: number): number {
  if (value < subCount) return value;
  const shift = 31 - Math.clz32(value) - subBits;
  return (shift + 1) * subCount + ((value >>> shift) & (subCount - 1));
}

function upperEdge(bucket: number): number {
  if (bucket < subCount) return bucket;
  const shift = Math.floor(bucket / subCount) - 1;
  return ((bucket % subCount) + subCount + 1) * 2 ** shift - 1;
}
