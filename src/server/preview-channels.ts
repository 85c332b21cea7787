import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { Camera } from '../control/messages.ts';
import type { PreviewSource } from '../net/preview-sockets.ts';
import type { Consumers } from './consumers.ts';

/** What is asked of the server itself. */
interface PreviewedServer {
  readonly cameras: readonly Camera[];
  readonly draining: boolean;
}

/** Has consumers make previews: all those of a camera by the same one, so that it reads the camera's ring once. */
export class PreviewChannels implements PreviewSource {
  readonly #server: PreviewedServer;
  readonly #consumers: Pick<Consumers, 'ready' | 'send'>;

  constructor(server: PreviewedServer, consumers: Pick<Consumers, 'ready' | 'send'>) {
    this.#server = server;
    this.#consumers = consumers;
  }

  get draining(): boolean {
    return this.#server.draining;
  }

  has(camera: number): boolean {
    return this.#find(camera) !== undefined;
  }

  open(index: number, localAddress: string): MessagePort | null {
    const camera = this.#find(index);
    const { ready } = this.#consumers;
    if (camera === undefined || ready.length === 0) return null;
    const { port1, port2 } = new MessageChannel();
    const consumer = ready[index % ready.length]!;
    this.#consumers.send(consumer, { type: 'preview', camera, localAddress, port: port2 }, [port2]);
    return port1;
  }

  #find(index: number): Camera | undefined {
    return this.#server.cameras.find((camera) => camera.index === index);
  }
}
