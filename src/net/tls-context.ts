import { constants, type X509Certificate } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { ConnectionError } from '../base/errors.ts';
import { type TlsMaterial, TlsMaterialBoard } from './tls-material.ts';

/** What every certificate is served with. */
const policy = {
  minVersion: 'TLSv1.2',
  honorCipherOrder: true,
  // A TLS 1.2 client could make us repeat the costly part of the handshake again and again.
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  // No client certificates are asked for, so the machine's list of authorities need not be loaded.
  ca: [] as string[],
} as const;

/** The TLS context for one certificate. Throws OpenSSL's error if the certificate, its key or the password is no good. */
export function createServerContext(material: TlsMaterial): SecureContext {
  const { passphrase } = material;
  if (material.form === 'pfx') return createSecureContext({ ...policy, pfx: Buffer.from(material.pfx), passphrase });
  const { certificate, key } = material;
  return createSecureContext({ ...policy, cert: Buffer.from(certificate), key: Buffer.from(key), passphrase });
}

/** The certificate that a context shows to clients; undefined if it has none that its key belongs to. */
export function servedCertificate(secureContext: SecureContext): X509Certificate | undefined {
  const socket = new TLSSocket(new PassThrough(), { isServer: true, secureContext });
  const certificate = socket.getX509Certificate();
  socket.destroy();
  return certificate;
}

/** The contexts of one thread: one for each certificate, made when the first connection needs it. */
export class TlsContexts {
  readonly #board: TlsMaterialBoard;
  #version = 0;
  #context: SecureContext | null = null;

  constructor(memory: SharedArrayBuffer) {
    this.#board = new TlsMaterialBoard(memory);
  }

  /** The context for a new connection. Throws {@link ConnectionError} if no certificate is in force: it may have come when one was. */
  current(): SecureContext {
    if (this.#board.version !== this.#version || this.#context === null) this.#renew();
    return this.#context!;
  }

  #renew(): void {
    const read = this.#board.read();
    if (read === null) throw new ConnectionError('tls_handshake_failed', 'TLS was turned off meanwhile');
    this.#context = createServerContext(read.material);
    this.#version = read.version;
  }
}
