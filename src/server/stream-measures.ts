import type { Camera } from '../control/messages.ts';
import { CounterWindows } from '../stats/counter-windows.ts';
import { Statistics, type StatisticsOptions } from './statistics.ts';
import { StreamWatch, type StreamWatchOptions } from './stream-watch.ts';

/** What is measured of the streams that run: the blocks of statistics and the watch over their health, from the same counters. */
export class StreamMeasures {
  readonly windows: CounterWindows;
  readonly statistics: Statistics;
  readonly watch: StreamWatch;

  constructor(options: Omit<StatisticsOptions & StreamWatchOptions, 'windows'>) {
    this.windows = new CounterWindows(options.counters);
    const { windows } = this;
    this.statistics = new Statistics({ ...options, windows });
    this.watch = new StreamWatch({ ...options, windows });
  }

  /** The cameras from now on: streams go on under another name or path. */
  replaceCameras(cameras: readonly Camera[]): void {
    this.statistics.replaceCameras(cameras);
    this.watch.replaceCameras(cameras);
  }

  /** Writes the last blocks that still wait. */
  stop(): void {
    this.watch.stop();
    this.statistics.stop();
  }
}
