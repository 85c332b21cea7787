import { createPrivateKey, type X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { limits } from '../base/limits.ts';
import { firstLine } from '../config/credentials.ts';
import { createServerContext, servedCertificate } from '../net/tls-context.ts';
import type { TlsMaterial } from '../net/tls-material.ts';
import {
  CertificateProblem,
  type CertificateSource,
  fileProblem,
  mismatchProblem,
  pemProblem,
  pfxProblem,
} from './certificate-problem.ts';

/** The files that a certificate is made of, in the order in which they are named in messages. */
export function certificateFiles(source: CertificateSource): string[] {
  const { tlsPfx, tlsCert, tlsKey, tlsPasswordFile } = source;
  const files = tlsCert === null ? [tlsPfx] : [tlsCert, tlsKey];
  return [...files, tlsPasswordFile].filter((file) => file !== null);
}

/**
 * Reads the files. `password` is used where no password file is configured; '' is none. Throws {@link CertificateProblem}
 * for a file that cannot be read.
 */
export async function readCertificateFiles(source: CertificateSource, password: string): Promise<TlsMaterial> {
  const { tlsPfx, tlsCert, tlsKey, tlsPasswordFile } = source;
  const passphrase = tlsPasswordFile === null ? password : await readPassword(tlsPasswordFile);
  if (tlsCert !== null && tlsKey !== null) {
    const certificate = await readBounded('--tls-cert', tlsCert);
    return { form: 'pem', certificate, key: await readBounded('--tls-key', tlsKey), passphrase };
  }
  if (tlsPfx === null) throw new CertificateProblem('--tls-pfx: no file is named');
  return { form: 'pfx', pfx: await readBounded('--tls-pfx', tlsPfx), passphrase };
}

/** The certificate that clients would see. Throws {@link CertificateProblem} if it cannot be served. */
export function checkCertificate(source: CertificateSource, material: TlsMaterial): X509Certificate {
  const hasPassword = material.passphrase !== '';
  const pem = { tlsCert: source.tlsCert ?? '', tlsKey: source.tlsKey ?? '' };
  try {
    const certificate = servedCertificate(createServerContext(material));
    if (certificate === undefined) {
      // OpenSSL takes a key of another kind than the certificate's without a word, and then has nothing to show.
      if (material.form === 'pem') throw mismatchProblem(pem);
      throw new CertificateProblem(`--tls-pfx ${source.tlsPfx}: the private key does not belong to the certificate`);
    }
    if (material.form === 'pem') {
      const key = createPrivateKey({ key: Buffer.from(material.key), passphrase: material.passphrase });
      if (!certificate.checkPrivateKey(key)) throw mismatchProblem(pem);
    }
    return certificate;
  } catch (error) {
    if (error instanceof CertificateProblem) throw error;
    if (material.form === 'pem') throw pemProblem(pem, error as Error, hasPassword);
    throw pfxProblem(source.tlsPfx ?? '', error as Error, hasPassword);
  }
}

/** A warning for each file with a bare secret that other users of the machine may read. */
export async function describeExposedFiles(source: CertificateSource, material: TlsMaterial): Promise<string[]> {
  if (process.platform === 'win32') return [];
  const bare = material.passphrase === '';
  const secrets = [
    { file: source.tlsPasswordFile, what: 'the password' },
    { file: bare && material.form === 'pem' ? source.tlsKey : null, what: 'the private key' },
    { file: bare && material.form === 'pfx' ? source.tlsPfx : null, what: 'the private key' },
  ];
  const warnings: string[] = [];
  for (const { file, what } of secrets) {
    const mode = file === null ? 0 : (await stat(file).catch(() => ({ mode: 0 }))).mode;
    if ((mode & 0o004) !== 0)
      warnings.push(`${file}: every user of this machine may read ${what}; run chmod 640 or 600 on it`);
  }
  return warnings;
}

async function readBounded(flag: string, file: string): Promise<Buffer> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw fileProblem(flag, file, error);
  });
  // Certificate, key and their frame must fit together.
  const most = limits.tls.materialBytes / 2 - 4096;
  if (bytes.length <= most) return bytes;
  throw new CertificateProblem(`${flag} ${file}: has ${bytes.length} bytes; a certificate has at most ${most}`);
}

async function readPassword(file: string): Promise<string> {
  const flag = '--tls-password-file';
  const bytes = await readFile(file).catch((error: unknown) => {
    throw fileProblem(flag, file, error);
  });
  // Windows PowerShell writes text files in UTF-16 or with a byte order mark.
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  const password = firstLine(bytes.toString(isUtf16 ? 'utf16le' : 'utf8'));
  if (password.length <= limits.tls.passwordCharacters) return password;
  throw new CertificateProblem(
    `${flag} ${file}: the first line is longer than ${limits.tls.passwordCharacters} characters; it must be the password`,
  );
}
