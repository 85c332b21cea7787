/** A consumer that has nothing to do, and ends when it is told to. */
import { parentPort } from 'node:worker_threads';
import type { ConsumerToMain } from '../../src/control/messages.ts';

const port = parentPort!;
port.on('message', () => port.close());
port.postMessage({ type: 'ready' } satisfies ConsumerToMain);
