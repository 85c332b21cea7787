import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeTlsFailure } from '../../../src/net/tls-failure.ts';

/** An error as Node makes it from OpenSSL's. */
function opensslError(reason: string): NodeJS.ErrnoException {
  const code = `ERR_SSL_${reason.toUpperCase().replaceAll(' ', '_')}`;
  const message = `40E7C7:error:0A000102:SSL routines:some_function:${reason}:../ssl/file.c:1:`;
  return Object.assign(new Error(message), { code, reason, library: 'SSL routines' });
}

describe("H7: OpenSSL's reasons in plain words", () => {
  const cases: [string, RegExp][] = [
    ['unsupported protocol', /no TLS 1\.2 or newer/],
    ['no shared cipher', /no cipher in common/],
    ['ssl/tls alert handshake failure', /breaks the handshake off/],
    ['tlsv1 alert unknown ca', /does not trust the authority/],
    ['ssl/tls alert certificate unknown', /does not accept the certificate/],
    ['sslv3 alert bad certificate', /does not accept the certificate/],
    ['ssl/tls alert certificate expired', /certificate has expired/],
    ['wrong version number', /not TLS/],
    ['decryption failed or bad record mac', /changed on the way/],
  ];
  for (const [reason, expected] of cases) {
    test(reason, () => {
      const { code, detail = '' } = describeTlsFailure(opensslError(reason), false);
      assert.equal(code, 'tls_handshake_failed');
      assert.match(detail, expected);
      assert.ok(detail.endsWith(`(${reason})`), detail);
    });
  }
});

test('a reason that has no words is given as it is, without the rest of the message', () => {
  assert.equal(describeTlsFailure(opensslError('some new reason'), false).detail, 'some new reason');
});

test('after the handshake it is the connection that broke', () => {
  assert.equal(describeTlsFailure(opensslError('bad record mac'), true).code, 'tls_failed');
});

test('a reset of the socket below is no TLS failure', () => {
  const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  for (const secure of [false, true]) {
    const error = describeTlsFailure(reset, secure);
    assert.deepEqual([error.code, error.detail], ['peer_reset', 'ECONNRESET']);
  }
});
