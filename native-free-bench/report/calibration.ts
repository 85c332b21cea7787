/**
 * How fast the machine is at this moment, by work that is always the same: what is measured on different days or machines can
 * be set against each other, and a part during which the machine became slower is seen.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

const rounds = 3;
const computeSteps = 30_000_000;
const copyBytes = 512 * 1024 * 1024;
const blockBytes = 256 * 1024;
const sourceBytes = 32 * 1024 * 1024;
const socketBytes = 128 * 1024 * 1024;

/** Milliseconds of the best of several rounds; less is faster. */
export interface Calibration {
  /** Integer arithmetic in JavaScript. */
  readonly computeMs: number;
  /** Copies from a memory larger than the caches. */
  readonly copyMs: number;
  /** Bytes through a loopback connection, both ends in this process. */
  readonly socketMs: number;
}

/** A machine to compare with: 2 cores of a virtual machine on which nothing else ran. */
export const referenceCalibration: Calibration = { computeMs: 67, copyMs: 32, socketMs: 55 };

/** Takes about a second. */
export async function calibrate(): Promise<Calibration> {
  let [computeMs, copyMs, socketMs] = [Infinity, Infinity, Infinity];
  for (let round = 0; round < rounds; round++) {
    computeMs = Math.min(computeMs, timeOf(compute));
    copyMs = Math.min(copyMs, timeOf(copy));
    const startMs = performance.now();
    await sendThroughSocket();
    socketMs = Math.min(socketMs, performance.now() - startMs);
  }
  return { computeMs, copyMs, socketMs };
}

/** Speed against the reference, the geometric mean of the three: 2 is twice as fast. */
export function speedOf({ computeMs, copyMs, socketMs }: Calibration): number {
  const reference = referenceCalibration;
  return Math.cbrt((reference.computeMs / computeMs) * (reference.copyMs / copyMs) * (reference.socketMs / socketMs));
}

function timeOf(work: () => number): number {
  const startMs = performance.now();
  // Asked for its result, the compiler cannot leave the work out.
  if (work() < 0) throw new Error('the calibration went wrong');
  return performance.now() - startMs;
}

function compute(): number {
  let state = 0x2545f491;
  for (let i = 0; i < computeSteps; i++) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
    state ^= state << 7;
  }
  return state & 1;
}

let source: Buffer | null = null;
let target: Buffer | null = null;

function copy(): number {
  source ??= Buffer.alloc(sourceBytes, 1);
  target ??= Buffer.alloc(blockBytes);
  for (let done = 0; done < copyBytes; done += blockBytes) {
    const at = done % sourceBytes;
    source.copy(target, 0, at, at + blockBytes);
  }
  return target[0]!;
}

async function sendThroughSocket(): Promise<void> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const buffer = Buffer.alloc(blockBytes);
  const received = Promise.withResolvers<void>();
  let bytes = 0;
  const callback = (length: number): boolean => {
    bytes += length;
    if (bytes >= socketBytes) received.resolve();
    return true;
  };
  const reader = connect({ port, host: '127.0.0.1', onread: { buffer, callback } });
  reader.on('error', received.reject);
  const [writer] = (await once(server, 'connection')) as [Socket];
  const block = Buffer.alloc(blockBytes);
  const write = (done: number): void => {
    if (done < socketBytes) writer.write(block, () => write(done + blockBytes));
  };
  write(0);
  await received.promise;
  reader.destroy();
  writer.destroy();
  server.close();
}
