import type { Clock } from '../base/clock.ts';
import { withBlocks } from '../base/logger.ts';
import type { Config } from '../config/schema.ts';
import type { Camera } from '../control/messages.ts';
import { configRoutes } from '../status/config-routes.ts';
import { hardwareRoutes } from '../status/hardware-routes.ts';
import { hookRoutes } from '../status/hook-routes.ts';
import { keyRoutes } from '../status/key-routes.ts';
import type { AcceptorSupervisor } from './acceptor-supervisor.ts';
import type { ConfigStore } from './config-store.ts';
import type { Consumers } from './consumers.ts';
import type { EventHistory } from './event-history.ts';
import { Hooks } from './hooks.ts';
import { IngestRuleWatch } from './ingest-rules.ts';
import { KeyView } from './key-view.ts';
import type { OnvifDevices } from './onvif-devices.ts';
import type { PublishAuth } from './publish-auth.ts';
import type { Publishers } from './publishers.ts';
import type { ServerOptions } from './server.ts';
import type { ServerMemory } from './server-memory.ts';
import { Status } from './status.ts';
import { type ShownServer, StatusView } from './status-view.ts';
import type { StreamEvents } from './stream-events.ts';
import { StreamMeasures } from './stream-measures.ts';

/** The parts of the server that are watched and told of. */
export interface ManagementOptions {
  readonly server: ShownServer & { readonly configStore: ConfigStore };
  readonly options: ServerOptions;
  readonly clock: Clock;
  readonly events: StreamEvents;
  readonly history: EventHistory;
  readonly memory: ServerMemory;
  readonly publishers: Publishers;
  readonly publishAuth: PublishAuth;
  readonly consumers: Consumers;
  readonly acceptor: AcceptorSupervisor;
  readonly devices: OnvifDevices;
  /** {@link TlsMaterialBoard} memory. */
  readonly tls: SharedArrayBuffer;
  /** By camera index: it has a publisher. */
  readonly live: readonly boolean[];
}

/** What people and other programs see of the server: measurements, rules, hooks, and the HTTP port with its routes. */
export class Management {
  readonly hooks: Hooks;
  readonly measures: StreamMeasures;
  readonly rules: IngestRuleWatch;
  readonly view: StatusView;
  readonly status: Status;

  constructor(parts: ManagementOptions) {
    const { server, options, clock, events, history, memory, publishers, publishAuth, consumers, devices } = parts;
    const { config, logger } = options;
    const counters = memory.streamCounters;
    this.hooks = new Hooks({ history, clock, logger, cameras: () => server.cameras });
    this.measures = new StreamMeasures({
      events,
      counters,
      capacity: config.ringFrames,
      intervalMs: config.statsIntervalMs,
      clock,
      figuresLogger: options.figuresLogger ?? withBlocks(logger),
      consumerTimes: () => consumers.times,
      overloaded: () => server.overloaded,
      loads: () => server.load(),
    });
    this.rules = new IngestRuleWatch({
      events,
      counters,
      clock,
      cut: (camera, reason, detail) => publishers.kick(camera, reason, detail),
    });
    publishers.holdsOff = (camera, address) => this.rules.holdsOff(camera, address);
    this.rules.configure(config.cameraList, server.cameras);
    this.view = new StatusView({
      server,
      clock,
      counters,
      readerTally: memory.readerTally,
      publishers,
      consumers,
      acceptor: parts.acceptor,
      measures: this.measures,
      rules: this.rules,
      auth: publishAuth,
      devices,
      hooks: this.hooks,
      live: parts.live,
    });
    const keys = new KeyView({
      auth: publishAuth,
      cameras: () => server.cameras,
      runningKeys: () => publishers.runningKeys,
      wallMs: clock.wallMs,
    });
    this.status = new Status({
      view: this.view,
      credentials: options.credentials,
      digestSha256: config.rtspDigestSha256,
      routes: [
        ...hookRoutes(this.hooks),
        ...keyRoutes(keys),
        ...configRoutes(server.configStore),
        ...hardwareRoutes({ config: server.configStore, hardware: () => this.view.hardware() }),
      ],
      tls: parts.tls,
      clock,
      logger,
    });
  }

  /** Another configuration is in force. */
  configure(config: Config, cameras: readonly Camera[]): void {
    this.measures.statistics.intervalMs = config.statsIntervalMs;
    this.measures.replaceCameras(cameras);
    this.rules.configure(config.cameraList, cameras);
    this.view.replaceCameras(cameras);
  }

  /** Nothing happens any more; hooks get until `endMs` (monotonic) to tell what did. */
  async stop(endMs: number): Promise<void> {
    this.measures.stop();
    this.rules.stop();
    await this.hooks.stop(endMs);
  }
}
