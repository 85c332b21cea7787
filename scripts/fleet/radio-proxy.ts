/** A TCP proxy that stands for the radio link of one camera: what the plan says happens to every connection through it. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { systemClock } from '../../src/base/clock.ts';
import { clearLink, type LinkPhase, type LinkPlan } from './link-plan.ts';
import { LinkShaper } from './link-shaper.ts';

/** Bytes that one direction holds before the sender is left waiting: about the buffers of a modem. */
const holdBytes = 512 * 1024;

export interface RadioProxyOptions {
  readonly targetHost: string;
  readonly targetPort: number;
  /** Of the camera, for the share that a phase lets through. */
  readonly bytesPerSecond: number;
}

/** One camera's link. Change its weather with {@link RadioProxy.setPhase}, or let {@link RadioProxy.follow} do it. */
export class RadioProxy {
  readonly #options: RadioProxyOptions;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  readonly #timers: NodeJS.Timeout[] = [];
  #phase: LinkPhase = clearLink;
  #phaseTimer: NodeJS.Timeout | undefined;

  constructor(options: RadioProxyOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (camera) => {
      const link = new Link(camera, options, this.#phase, () => this.#links.delete(link));
      this.#links.add(link);
    });
  }

  /** Listens on a free port of this machine and returns it. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  /** Does what the plan says, `plan` times being counted from now. */
  follow(plan: LinkPlan): void {
    this.#followPhases(plan, 0, systemClock.nowMs());
    for (const { atMs, kind, giveUpMs } of plan.breaks) {
      if (kind === 'cut') this.#later(atMs, () => this.cut());
      else {
        this.#later(atMs, () => this.blackHole());
        this.#later(atMs + giveUpMs, () => this.giveUp());
      }
    }
  }

  /** One timer at a time: in an hour the weather changes some thousand times. */
  #followPhases(plan: LinkPlan, index: number, startMs: number): void {
    const phase = plan.phases[index];
    if (phase === undefined) return;
    this.#phaseTimer = setTimeout(
      () => {
        this.setPhase(phase);
        this.#followPhases(plan, index + 1, startMs);
      },
      Math.max(0, startMs + phase.atMs - systemClock.nowMs()),
    );
  }

  /** The weather from now on. */
  setPhase(phase: LinkPhase): void {
    this.#phase = phase;
    for (const link of this.#links) link.setPhase(phase);
  }

  /** Resets the connections there are, on both sides. */
  cut(): void {
    for (const link of this.#links) link.cut();
  }

  /** The connections there are swallow everything from now on; neither side is told. */
  blackHole(): void {
    for (const link of this.#links) link.blackHole();
  }

  /** The cameras whose connections have become black-holes see a reset; the server still sees nothing. */
  giveUp(): void {
    for (const link of this.#links) link.giveUp();
  }

  close(): void {
    clearTimeout(this.#phaseTimer);
    for (const timer of this.#timers) clearTimeout(timer);
    for (const link of this.#links) link.cut();
    this.#server.close();
  }

  /** Port and host it leads to, for messages. */
  get target(): string {
    return `${this.#options.targetHost}:${this.#options.targetPort}`;
  }

  #later(ms: number, action: () => void): void {
    this.#timers.push(setTimeout(action, ms));
  }
}

/** One connection: a socket on each side and a shaper for each direction. */
class Link {
  readonly #camera: Socket;
  readonly #server: Socket;
  readonly #up: Direction;
  readonly #down: Direction;
  #swallows = false;

  constructor(camera: Socket, options: RadioProxyOptions, phase: LinkPhase, onGone: () => void) {
    this.#camera = camera;
    const { targetHost: host, targetPort: port, bytesPerSecond } = options;
    this.#server = connect({ host, port, noDelay: true, allowHalfOpen: true });
    this.#up = new Direction(camera, this.#server, bytesPerSecond, phase);
    // Replies are few; the bottleneck of a drone is its uplink.
    this.#down = new Direction(this.#server, camera, bytesPerSecond, phase);
    let open = 2;
    for (const [socket, direction] of [
      [camera, this.#up],
      [this.#server, this.#down],
    ] as const) {
      socket.on('error', () => direction.reset());
      socket.on('close', () => {
        if (--open === 0) onGone();
      });
    }
  }

  setPhase(phase: LinkPhase): void {
    this.#up.setPhase(phase);
    this.#down.setPhase(phase);
  }

  cut(): void {
    this.#up.stop();
    this.#down.stop();
    this.#camera.resetAndDestroy();
    this.#server.resetAndDestroy();
  }

  blackHole(): void {
    this.#swallows = true;
    this.#up.swallow();
    this.#down.swallow();
  }

  giveUp(): void {
    if (this.#swallows) this.#camera.resetAndDestroy();
  }
}

class Direction {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #shaper: LinkShaper;
  #timer: NodeJS.Timeout | null = null;
  #ended: 'no' | 'in order' | 'by a reset' = 'no';
  #mode: 'carry' | 'swallow' | 'stopped' = 'carry';

  constructor(from: Socket, to: Socket, bytesPerSecond: number, phase: LinkPhase) {
    this.#from = from;
    this.#to = to;
    this.#shaper = new LinkShaper(bytesPerSecond);
    this.#shaper.setPhase(phase, systemClock.nowMs());
    from.on('data', (bytes: Buffer) => this.#receive(bytes));
    from.on('end', () => {
      this.#ended = 'in order';
      this.#pump();
    });
    to.on('drain', () => this.#pump());
  }

  setPhase(phase: LinkPhase): void {
    this.#shaper.setPhase(phase, systemClock.nowMs());
    this.#pump();
  }

  /** Whoever sends has gone. What is under way still comes before the other side is told: a link does not let a reset pass it. */
  reset(): void {
    this.#ended = 'by a reset';
    this.#pump();
  }

  swallow(): void {
    if (this.#mode === 'carry') this.#mode = 'swallow';
    this.#cancel();
    this.#from.resume();
  }

  stop(): void {
    this.#mode = 'stopped';
    this.#cancel();
  }

  #receive(bytes: Buffer): void {
    if (this.#mode !== 'carry') return;
    this.#shaper.push(bytes, systemClock.nowMs());
    if (this.#shaper.waiting > holdBytes) this.#from.pause();
    this.#pump();
  }

  #pump(): void {
    this.#cancel();
    if (this.#mode !== 'carry' || this.#to.destroyed) return;
    const nowMs = systemClock.nowMs();
    while (!this.#to.writableNeedDrain) {
      const bytes = this.#shaper.take(nowMs);
      if (bytes === null) break;
      this.#to.write(bytes);
    }
    if (this.#shaper.waiting <= holdBytes) this.#from.resume();
    if (this.#shaper.waiting === 0) {
      if (this.#ended === 'in order') this.#to.end();
      else if (this.#ended === 'by a reset') this.#to.destroySoon();
      return;
    }
    const nextMs = this.#shaper.nextMs(nowMs);
    if (Number.isFinite(nextMs) && !this.#to.writableNeedDrain)
      this.#timer = setTimeout(() => this.#pump(), Math.max(1, nextMs - nowMs));
  }

  #cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
