import type { MessagePort } from 'node:worker_threads';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import { NotReadyError, StartError } from '../config/errors.ts';
import type { AcceptorBoot, AcceptorToMain, ListenOptions, MainToAcceptor, Rejections } from '../control/messages.ts';
import { HungThreads } from '../ingest/hung-threads.ts';
import type { OpenPorts } from './listen-options.ts';
import { failIfEnded, RestartPause, Thread } from './thread.ts';

/** What an {@link AcceptorSupervisor} needs of the server. */
export interface AcceptorOwner {
  readonly entry: URL;
  readonly logger: Logger;
  /** What the thread starts with now. */
  boot(): AcceptorBoot;
  /** Milliseconds since the thread, which is listening, gave a sign of life. */
  silentMs(): number;
  /** A thread has started; it knows no consumer yet. */
  onStarted(): void;
  /** Its ports are open, for the first time, anew, or after a change. */
  onListening(ports: OpenPorts): void;
  /** An ingest worker has started. */
  onIngest(port: MessagePort): void;
  /** New connections were refused. */
  onRejected(rejections: readonly Rejections[]): void;
  /** The thread failed; it is replaced. Nobody can connect until then. */
  onFailed(reason: string): void;
}

type AcceptorThread = Thread<MainToAcceptor, AcceptorToMain>;

/** Keeps one acceptor running from {@link start} to {@link stop}, and tells it what to listen for. */
export class AcceptorSupervisor {
  readonly #owner: AcceptorOwner;
  #thread: AcceptorThread | null = null;
  /** Who waits for ports: a thread is asked for those it starts with, then for changes, and answers in that order. */
  #asked: PromiseWithResolvers<OpenPorts>[] = [];
  readonly #hung = new HungThreads();
  readonly #pause = new RestartPause();
  #problem: string | null = null;
  #watch: NodeJS.Timeout | null = null;
  #running = false;
  #listening = false;
  /** Failures so far: of the thread, and of ingest workers. */
  failures = 0;
  workerFailures = 0;

  constructor(owner: AcceptorOwner) {
    this.#owner = owner;
  }

  /** The ports are open. */
  get listening(): boolean {
    return this.#listening && this.#running;
  }

  /** Why the ports are closed, as it was told; null while they are open, and before they have been. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Resolves when all ports are open; throws {@link StartError} and leaves no thread behind otherwise. */
  async start(): Promise<void> {
    await this.#startThread();
    this.#running = true;
    this.#watch = setInterval(() => this.#endHung(), limits.load.sampleMs).unref();
    if (this.#thread === null) this.#replace();
  }

  /**
   * Listens for this from now on. Throws {@link StartError} if that cannot be, and {@link NotReadyError} if it can be tried once
   * more when the thread, which has failed, is back; then all stays as it was.
   */
  async change(listen: ListenOptions): Promise<void> {
    const thread = this.#thread;
    // While it starts, its ports are those of before, and nobody has been told of them.
    if (thread === null || !this.listening) throw notReady();
    const ports = this.#ask();
    thread.send({ type: 'listen', listen });
    this.#owner.onListening(await Promise.race([ports, thread.ended.then(() => Promise.reject(notReady()))]));
  }

  /** False while there is no thread. */
  send(message: MainToAcceptor, transfer?: MessagePort[]): boolean {
    this.#thread?.send(message, transfer);
    return this.#thread !== null;
  }

  /** No new connection from now on. Resolves when the thread has ended. */
  async stop(): Promise<void> {
    this.#endWatch();
    this.#thread?.send({ type: 'stop' });
    await this.#thread?.ended;
  }

  async terminate(): Promise<void> {
    this.#endWatch();
    await this.#thread?.terminate();
  }

  #endWatch(): void {
    this.#running = false;
    if (this.#watch !== null) clearInterval(this.#watch);
    this.#watch = null;
  }

  /** Nobody could connect any more, and nobody would replace an ingest worker. Its end is a failure like any other. */
  #endHung(): void {
    if (!this.#listening) return;
    const silentMs = this.#owner.silentMs();
    if (this.#hung.sample([{ kind: 'acceptor', index: 0, silentMs }]).length === 0) return;
    this.#owner.logger.error({}, 'the acceptor hangs; it is ended');
    void this.#thread?.terminate();
  }

  #ask(): Promise<OpenPorts> {
    const asked = Promise.withResolvers<OpenPorts>();
    this.#asked.push(asked);
    return asked.promise;
  }

  async #startThread(): Promise<void> {
    // What a thread that has ended was asked is answered by nobody.
    this.#asked = [];
    const ports = this.#ask();
    const thread: AcceptorThread = new Thread(this.#owner.entry, this.#owner.boot(), (message) => {
      this.#onMessage(message);
    });
    this.#thread = thread;
    // At once: whoever connects first has to be served already.
    this.#owner.onStarted();
    const ended = thread.ended.then((failure) => {
      this.#onEnded(failure);
      return failure;
    });
    try {
      this.#owner.onListening(await Promise.race([ports, ended.then(failIfEnded('acceptor'))]));
      this.#listening = true;
      this.#problem = null;
      this.#pause.reset();
    } catch (error) {
      // It may have opened one port and not the other.
      await thread.terminate();
      throw error;
    }
  }

  #onEnded(failure: Error | null): void {
    const wasListening = this.#listening;
    this.#thread = null;
    this.#listening = false;
    if (!this.#running) return;
    this.failures++;
    if (wasListening) {
      this.#owner.logger.error({ err: failure }, 'the acceptor failed; publishers are cut off and it is replaced');
      this.#tell('The listeners failed and are being started again.');
    }
    this.#replace();
  }

  #replace(): void {
    setTimeout(() => {
      if (!this.#running) return;
      this.#startThread().catch((error: Error) => {
        // Its end brings us here again. Who waits for another program to give a port back is told of it once.
        if (!this.#running || error.message === this.#problem) return;
        this.#owner.logger.error({ err: error }, 'the acceptor could not be started again; it is tried until it can');
        this.#tell(error.message);
      });
    }, this.#pause.next());
  }

  #tell(reason: string): void {
    this.#problem = reason;
    this.#owner.onFailed(reason);
  }

  #onMessage(message: AcceptorToMain): void {
    if (message.type === 'ingest') this.#owner.onIngest(message.port);
    else if (message.type === 'listening')
      this.#asked.shift()?.resolve({ listeners: message.listeners, rtsp: message.rtspPort });
    else if (message.type === 'rejected') this.#owner.onRejected(message.rejections);
    else if (message.type === 'worker_failed') this.workerFailures++;
    else if (message.type === 'listen_failed') this.#asked.shift()?.reject(listenError(message));
  }
}

function notReady(): NotReadyError {
  return new NotReadyError('the listeners are being started again; try once more in a moment');
}

function listenError(message: Extract<AcceptorToMain, { type: 'listen_failed' }>): StartError {
  const { flag, port, code } = message;
  return new StartError(describeListenError(flag, port, code));
}

/** One line about a port that could not be opened, with the remedy. `code` is the system's. */
export function describeListenError(flag: string, port: number, code: string, hostFlag = '--host'): string {
  if (code === 'EADDRINUSE')
    return `${flag} ${port}: the port is in use by another program; stop it or choose another port with ${flag}`;
  if (code === 'EACCES')
    return `${flag} ${port}: no permission to listen on this port; choose one above 1023 with ${flag}`;
  if (isAddressError(code))
    return `${hostFlag}: this machine has no such address (${code}); name one of its own with ${hostFlag}`;
  return `${flag} ${port}: cannot listen (${code}); choose another port with ${flag}, or another address with ${hostFlag}`;
}

/** Whether it is the address that cannot be had: not of this machine, of a link that is not named, or a name that nobody knows. */
export function isAddressError(code: string): boolean {
  return ['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL', 'ENOTFOUND', 'EAI_AGAIN'].includes(code);
}
