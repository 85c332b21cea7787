/** Entry point of a consumer thread: the readers of some or all cameras, from RTSP down to RTP. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ConsumerBoot, MainToConsumer } from '../src/control/messages.ts';
import { goFirst } from '../src/control/thread-priority.ts';
import { createThreadLogger } from '../src/log.ts';
import { ConsumerThread } from '../src/net/consumer-thread.ts';

const boot = workerData as ConsumerBoot;
goFirst(boot.priority);
const port = parentPort!;
const thread = new ConsumerThread(
  boot,
  (message) => {
    port.postMessage(message);
    if (message.type === 'stopped') port.close();
  },
  createThreadLogger(boot.log, 'consumer'),
);
port.on('message', (message: MainToConsumer) => thread.onMain(message));
void thread.start();
