/** A consumer that has nothing to do, and ends when it is told anything. With `mute` it never is ready. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ConsumerToMain } from '../../src/control/messages.ts';

const port = parentPort!;
port.on('message', () => port.close());
if (!(workerData as { readonly mute: boolean }).mute) port.postMessage({ type: 'ready' } satisfies ConsumerToMain);
