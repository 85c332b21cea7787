/** Echoes what its sockets receive; pauses each after every read until the echo is out. */
import type { Socket } from 'node:net';
import { parentPort } from 'node:worker_threads';
import { canReadIntoSharedBuffer, readIntoSharedBuffer } from '../../src/net/socket-handover.ts';

const buffer = Buffer.allocUnsafeSlow(64 * 1024);

parentPort!.on('message', ({ socket: transferred }: { socket: Socket }) => {
  const shared = canReadIntoSharedBuffer(transferred);
  const remoteAddress = transferred.remoteAddress;
  let pastStream = false;
  const socket = readIntoSharedBuffer(transferred, buffer, {
    onRead(length, bytes) {
      pastStream ||= !new Error().stack!.includes('onStreamRead');
      socket.write(Buffer.from(bytes.subarray(0, length)), () => socket.resume());
      return false;
    },
  });
  socket.on('error', (error: NodeJS.ErrnoException) => parentPort!.postMessage({ ended: error.code }));
  socket.on('end', () => parentPort!.postMessage({ ended: 'end', pastStream }));
  parentPort!.postMessage({ shared, remoteAddress });
});
