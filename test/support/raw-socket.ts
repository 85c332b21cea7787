import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import { makeCertificate } from './certificates.ts';

/** Writes bytes to a port and returns all that comes back until the other side ends. */
export async function talk(port: number, bytes: string | Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  return readAll(socket);
}

/** All that comes until the other side ends. */
export async function readAll(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  await closed(socket);
  return text;
}

/** Waits until a socket is closed, with an error or without. */
export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('error', () => {}).on('close', () => resolve());
  });
}

/** Reads from a socket until the text holds `wanted`. */
export function readUntil(socket: Socket, wanted: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (text.includes(wanted)) resolve(text);
    });
    socket.on('close', () => reject(new Error(`closed after ${text}`)));
  });
}

/** A TLS context with a certificate of its own for localhost. */
export function certificate(t: { after: (end: () => void) => void }): SecureContext {
  const folder = mkdtempSync(join(tmpdir(), 'skyweir-onvif-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const files = makeCertificate(folder, 'device');
  return createSecureContext({ cert: readFileSync(files.cert), key: readFileSync(files.key) });
}
