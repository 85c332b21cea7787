/**
 * An acceptor as the supervisor sees it, whose first ports are open when it hears of a consumer. The key of its only listener says what
 * it was asked for: `boot`, or `change` and a number. With `taken` its first port is in use, and this is its number.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { AcceptorToMain, MainToAcceptor } from '../../src/control/messages.ts';

const port = parentPort!;
let changes = 0;

function answer(key: string): void {
  const message: AcceptorToMain = { type: 'listening', listeners: [{ key, rtmp: 1, rtmps: null }], rtspPort: 2 };
  port.postMessage(message);
}

port.on('message', (message: MainToAcceptor) => {
  if (message.type === 'consumer') answer('boot');
  else if (message.type === 'listen') answer(`change ${++changes}`);
  else port.close();
});

const { taken = 0 } = workerData as { readonly taken?: number };
if (taken > 0)
  port.postMessage({
    type: 'listen_failed',
    flag: '--rtmp-port',
    port: taken,
    code: 'EADDRINUSE',
  } satisfies AcceptorToMain);
