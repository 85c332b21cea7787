import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { limits } from '../../../src/base/limits.ts';
import { body } from '../../golden/wire.ts';
import { discoverableDevices, probe, resolve } from '../../support/discovery-client.ts';
import type { Row, Scene } from './row.ts';

const protocol = 'WS-Discovery' as const;

/** Milliseconds after the last probe until every answer with its repetition has gone. */
const quietMs = 1500;

/** What an address sent and got. */
export class Prober {
  readonly #socket: Socket;
  readonly #port: number;
  #open = true;
  sentBytes = 0;
  receivedBytes = 0;
  datagrams = 0;
  longest = 0;

  private constructor(socket: Socket, port: number) {
    this.#socket = socket;
    this.#port = port;
    socket.on('message', (bytes) => {
      this.receivedBytes += bytes.length;
      this.datagrams++;
      this.longest = Math.max(this.longest, bytes.length);
    });
  }

  static async open(scene: Scene, address = scene.address): Promise<Prober> {
    const socket = createSocket('udp4');
    socket.on('error', () => undefined);
    socket.bind(0, address);
    await once(socket, 'listening');
    socket.setRecvBufferSize(1024 * 1024);
    const prober = new Prober(socket, scene.gate.discovery);
    scene.cleanups.push(() => prober.close());
    return prober;
  }

  close(): void {
    if (this.#open) this.#socket.close();
    this.#open = false;
  }

  /** Resolves when the kernel has it. */
  send(bytes: Buffer): Promise<void> {
    this.sentBytes += bytes.length;
    return new Promise((sent) => this.#socket.send(bytes, this.#port, '127.0.0.1', () => sent()));
  }
}

const newProbe = (): Buffer => probe({ messageId: `urn:uuid:${randomUUID()}` });
const devices = discoverableDevices(60);

function row(id: string, attack: string, play: Row['play']): Row {
  return { id, protocol, attack, ends: 'tolerated', gate: true, play };
}

/** Datagrams to the port of WS-Discovery. No connection is there to be ended; the answers are what matters. */
export const discoveryRows: readonly Row[] = [
  row('discovery-probe-flood', 'sends 4000 probes, as fast as it can', async (scene) => {
    const prober = await Prober.open(scene);
    const startMs = performance.now();
    for (let i = 0; i < 4000; i++) await prober.send(newProbe());
    await delay(quietMs);
    // Those that wait for the server are answered while it is quiet here.
    const seconds = (performance.now() - startMs) / 1000;
    const { probesPerSecondPerSource, probesAtOncePerSource } = limits.discovery;
    const answered = probesAtOncePerSource + Math.ceil(seconds * probesPerSecondPerSource) + 1;
    // Each answer is sent twice.
    assert.ok(prober.datagrams <= answered * devices.length * 2, `${prober.datagrams} datagrams`);
    assert.ok(prober.receivedBytes < prober.sentBytes, `${prober.receivedBytes} bytes for ${prober.sentBytes}`);
  }),
  row('discovery-probe-repeated', 'sends one probe 2000 times', async (scene) => {
    const prober = await Prober.open(scene);
    const once = newProbe();
    for (let i = 0; i < 2000; i++) await prober.send(once);
    await delay(quietMs);
    assert.ok(prober.datagrams <= devices.length * 2, `${prober.datagrams} datagrams`);
  }),
  row('discovery-probe-sources', 'sends 2000 probes under 100 addresses', async (scene) => {
    const probers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => Prober.open(scene, scene.otherAddress(i + 1))),
    );
    const startMs = performance.now();
    for (let i = 0; i < 2000; i++) await probers[i % 100]!.send(newProbe());
    await delay(quietMs);
    const datagrams = probers.reduce((sum, one) => sum + one.datagrams, 0);
    const seconds = (performance.now() - startMs) / 1000;
    const answered = limits.discovery.probesAtOnce + Math.ceil(seconds * limits.discovery.probesPerSecond) + 1;
    assert.ok(datagrams <= answered * devices.length * 2, `${datagrams} datagrams`);
  }),
  row('discovery-resolve-flood', 'asks for one device 2000 times', async (scene) => {
    const prober = await Prober.open(scene);
    const endpoint = `urn:uuid:${devices[0]!.uuid}`;
    for (let i = 0; i < 2000; i++) await prober.send(resolve(endpoint, `urn:uuid:${randomUUID()}`));
    await delay(quietMs);
    assert.ok(prober.receivedBytes < prober.sentBytes, `${prober.receivedBytes} bytes for ${prober.sentBytes}`);
  }),
  row('discovery-garbage', 'sends noise, broken XML, entities and 60 kB, a thousand times', async (scene) => {
    const prober = await Prober.open(scene);
    const text = newProbe().toString();
    const bad = [
      body(1400, 7),
      Buffer.alloc(0),
      Buffer.alloc(60_000, 'Probe'),
      Buffer.from(text.slice(0, 400)),
      Buffer.from(text.replace('?>', '?><!DOCTYPE s [<!ENTITY a "b">]>')),
      Buffer.from(text.replace('<d:Probe>', `<d:Probe>${'<a>'.repeat(500)}`)),
      Buffer.from(text.replace('urn:uuid:', 'x'.repeat(4000))),
      Buffer.from(text, 'utf16le'),
    ];
    for (let i = 0; i < 1000; i++) await prober.send(bad[i % bad.length]!);
    await delay(quietMs);
    assert.equal(prober.datagrams, 0);
  }),
];
