import { describeFileError } from '../config/errors.ts';
import type { Config } from '../config/schema.ts';

/** The settings that say where the certificate is. */
export type CertificateSource = Pick<Config, 'tlsPfx' | 'tlsPasswordFile' | 'tlsCert' | 'tlsKey'>;

/** Why a certificate cannot be used: one line with the flag, the file and the remedy, without any secret. */
export class CertificateProblem extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CertificateProblem';
  }
}

const howTo = 'docs/tls.md says how to make one';

/** A file that cannot be read. `flag` is the one that names it. */
export function fileProblem(flag: string, file: string, error: unknown): CertificateProblem {
  const remedy =
    error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM')
      ? 'let the user that Skyweir runs as read it'
      : flag === '--tls-pfx'
        ? `put the certificate there, or name its file with --tls-pfx, or with --tls-cert and --tls-key; ${howTo}`
        : `name the right file with ${flag}`;
  return new CertificateProblem(`${flag} ${file}: ${describeFileError(error)}; ${remedy}`, { cause: error });
}

/** What OpenSSL found wrong with a PKCS#12 file. `hasPassword`: one was given. */
export function pfxProblem(file: string, error: Error, hasPassword: boolean): CertificateProblem {
  const say = (text: string): CertificateProblem =>
    new CertificateProblem(`--tls-pfx ${file}: ${text}`, { cause: error });
  const { message } = error;
  if (/mac verify failure/i.test(message))
    return say(
      hasPassword
        ? 'the password is wrong; give the right one with --tls-password-file or SKYWEIR_TLS_PASSWORD'
        : 'the file has a password; give it with --tls-password-file or SKYWEIR_TLS_PASSWORD',
    );
  if (/unsupported pkcs12 pfx data/i.test(message))
    return say(
      `the file is encrypted in an old way (such as RC2-40) that is no longer supported; convert it: openssl pkcs12 -legacy -in ${file} -nodes -out all.pem, then openssl pkcs12 -export -in all.pem -out new.pfx, and delete all.pem`,
    );
  if (/unable to load private key/i.test(message))
    return say('the file holds no private key; export the certificate again together with its private key');
  if (/unable to load certificate/i.test(message))
    return say('the file holds no certificate that belongs to its private key; export both together');
  if (/not enough data|too long|wrong tag|asn1|header|type not primitive|nested/i.test(message))
    return say(
      `the file is no PKCS#12 file, or it is damaged or cut off (${plain(message)}); export it again; ${howTo}`,
    );
  return say(weakness(message) ?? `the certificate cannot be used (${plain(message)})`);
}

/** What OpenSSL found wrong with a certificate or key in PEM form; the files are those of `source`. */
export function pemProblem(
  source: { readonly tlsCert: string; readonly tlsKey: string },
  error: Error & { code?: string },
  hasPassword: boolean,
): CertificateProblem {
  const cert = (text: string) => new CertificateProblem(`--tls-cert ${source.tlsCert}: ${text}`, { cause: error });
  const key = (text: string) => new CertificateProblem(`--tls-key ${source.tlsKey}: ${text}`, { cause: error });
  const { message, code = '' } = error;
  if (/key values mismatch|key type mismatch/i.test(message)) return mismatchProblem(source);
  if (/bad decrypt|bad password|password read|interrupted or cancelled|decrypt/i.test(message))
    return key(
      hasPassword
        ? 'the password of the key is wrong; give the right one with --tls-password-file or SKYWEIR_TLS_PASSWORD'
        : 'the key has a password; give it with --tls-password-file or SKYWEIR_TLS_PASSWORD',
    );
  if (code.startsWith('ERR_OSSL_PEM') || /no start line/i.test(message))
    return cert('holds no certificate in PEM form (a line -----BEGIN CERTIFICATE-----)');
  if (code === 'ERR_OSSL_UNSUPPORTED')
    return key('holds no private key in PEM form (a line -----BEGIN PRIVATE KEY-----)');
  return cert(weakness(message) ?? `the certificate cannot be used (${plain(message)})`);
}

/** The private key is another's. */
export function mismatchProblem(source: { readonly tlsCert: string; readonly tlsKey: string }): CertificateProblem {
  return new CertificateProblem(
    `--tls-key ${source.tlsKey}: the key does not match the first certificate of --tls-cert ${source.tlsCert}; name the two files of one certificate, and put the server's own certificate before those of its authorities`,
  );
}

/** A key or signature that OpenSSL's security level refuses, in words; null if it is something else. */
function weakness(message: string): string | null {
  if (/key too small/i.test(message))
    return 'the key is too short; make a certificate with RSA 2048 bits or more, or ECDSA';
  if (/md too weak|digest/i.test(message)) return 'the certificate is signed in an old way; make one with SHA-256';
  return null;
}

/** The end of OpenSSL's message, which is the part for people. */
function plain(message: string): string {
  return message.split(':').at(-1)!.trim().toLowerCase();
}
