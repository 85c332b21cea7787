import { ConnectionError } from '../base/errors.ts';

/** Reasons that OpenSSL gives, and what they mean to somebody who set up an encoder. The first match is taken. */
const meanings: readonly (readonly [reason: RegExp, meaning: string])[] = [
  [/unsupported protocol|protocol version|version too low/, 'the peer has no TLS 1.2 or newer'],
  [/no shared cipher/, 'the peer and we have no cipher in common'],
  [/handshake failure/, 'the peer breaks the handshake off'],
  [
    /no shared group|no suitable key share|no shared signature|no suitable signature/,
    'the peer and we have no key exchange in common',
  ],
  [/unknown ca$/, 'the peer does not trust the authority that issued the certificate'],
  [/certificate expired/, 'the peer says that the certificate has expired; its own clock may be wrong'],
  [
    /bad certificate|certificate unknown|unsupported certificate|certificate revoked/,
    'the peer does not accept the certificate',
  ],
  [/unrecognized name/, 'the peer asks for another host name'],
  [
    /wrong version number|unexpected message|length too|record overflow|bad record type|decode error/,
    'the peer sends what is not TLS',
  ],
  [/decryption failed|bad record mac/, 'what the peer sends was changed on the way, or it has a fault'],
  [/renegotiation/, 'the peer wants to repeat the handshake'],
];

/** Why TLS ended, from the error that Node emits; `secure` says that the handshake was done before. */
export function describeTlsFailure(
  error: NodeJS.ErrnoException & { reason?: string },
  secure: boolean,
): ConnectionError {
  const { code = '' } = error;
  // The socket failed, not TLS.
  if (!/^ERR_(SSL|TLS|OSSL)_/.test(code) && error.reason === undefined)
    return new ConnectionError('peer_reset', code || error.message);
  const reason = (error.reason ?? error.message).toLowerCase();
  const meaning = meanings.find(([pattern]) => pattern.test(reason))?.[1];
  const detail = meaning === undefined ? reason : `${meaning} (${reason})`;
  return new ConnectionError(secure ? 'tls_failed' : 'tls_handshake_failed', detail);
}
