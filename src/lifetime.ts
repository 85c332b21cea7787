import type { Logger } from './base/logger.ts';
import { exitCodes } from './config/errors.ts';

/** What the life of the process needs of the server. */
export interface StoppableServer {
  /** Ends all connections in order. */
  stop(): Promise<void>;
  /** Settles when the server has ended without being asked to; rejects if it failed. Absent if that cannot happen. */
  readonly done?: Promise<void>;
}

/** How the server is started and stopped. */
export interface LifetimeOptions<S extends StoppableServer> {
  readonly start: () => Promise<S>;
  /** Called once after the start; if it throws, the server is stopped and the error passed on. */
  readonly ready: (server: S) => void;
  /** As it is when it is asked: it may change while the server runs. */
  readonly drainTimeoutMs: () => number;
  readonly logger: Logger;
  /** Ends the process at once with a code. */
  readonly exit: (code: number) => void;
}

/**
 * Milliseconds within which the same signal again is the same wish: npm passes on the Ctrl-C that the terminal has given
 * to its child already.
 */
const repeatedSignalMs = 200;

const signals = ['SIGINT', 'SIGTERM'] as const;

/**
 * Starts the server and keeps it until a signal or its own end. SIGINT or SIGTERM stops it within the drain timeout; a
 * second signal ends the process at once. Returns the exit code; passes on the error of a failed start.
 */
export async function runServer<S extends StoppableServer>(options: LifetimeOptions<S>): Promise<number> {
  const { logger, drainTimeoutMs } = options;
  const stopWish = Promise.withResolvers<NodeJS.Signals>();
  let first: { signal: NodeJS.Signals; atMs: number } | null = null;
  const onSignal = (signal: NodeJS.Signals): void => {
    const atMs = performance.now();
    if (first === null) {
      first = { signal, atMs };
      stopWish.resolve(signal);
    } else if (signal !== first.signal || atMs - first.atMs >= repeatedSignalMs) {
      options.exit(exitCodes.interrupted);
    }
  };
  for (const signal of signals) process.on(signal, onSignal);

  try {
    const starting = options.start();
    // A start that hangs must not outlive the wish to stop.
    const givenUp = stopWish.promise.then(() => within(drainTimeoutMs(), starting));
    const server = await Promise.race([starting, givenUp]);
    if (server === undefined) {
      logger.warn({}, 'stopped before the start was complete');
      return exitCodes.ok;
    }
    try {
      options.ready(server);
    } catch (error) {
      await within(drainTimeoutMs(), server.stop());
      throw error;
    }
    return await keep(server, stopWish.promise, options);
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
  }
}

async function keep<S extends StoppableServer>(
  server: S,
  stopWish: Promise<NodeJS.Signals>,
  { logger, drainTimeoutMs: drainTimeout }: LifetimeOptions<S>,
): Promise<number> {
  try {
    const ended = server.done?.then(() => null);
    const signal = await (ended === undefined ? stopWish : Promise.race([stopWish, ended]));
    if (signal === null) {
      logger.error({}, 'the server ended by itself');
      return exitCodes.startFailed;
    }
    logger.info({ signal }, 'stopping; the same signal again ends the process at once');
    const drainTimeoutMs = drainTimeout();
    const stopped = await within(
      drainTimeoutMs,
      server.stop().then(() => true),
    );
    if (stopped === undefined) logger.warn({ drainTimeoutMs }, 'not all connections ended in time; they are cut off');
    else logger.info({}, 'stopped');
    return exitCodes.ok;
  } catch (err) {
    logger.error({ err }, 'the server failed');
    return exitCodes.startFailed;
  }
}

/** What `promise` gives, or undefined if that takes longer than `ms`. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), ms);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
