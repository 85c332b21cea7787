/** Entry point of the acceptor thread: listeners, admission and the pool of ingest workers. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../src/base/clock.ts';
import type { AcceptorBoot, AcceptorToMain, MainToAcceptor } from '../src/control/messages.ts';
import { letPicturesGoFirst } from '../src/control/thread-priority.ts';
import { createThreadLogger } from '../src/log.ts';
import { Acceptor } from '../src/net/acceptor.ts';

const boot = workerData as AcceptorBoot;
const port = parentPort!;
const toMain = (message: AcceptorToMain, transfer: MessagePort[] = []) => {
  port.postMessage(message, transfer);
  if (message.type === 'stopped') port.close();
};
const acceptor = new Acceptor(boot, toMain, systemClock, createThreadLogger(boot.log, 'acceptor'));
port.on('message', (message: MainToAcceptor) => acceptor.onMain(message));
// The ingest workers have been started, with the priority from before.
letPicturesGoFirst(boot.ingest.priority);
void acceptor.listen();
