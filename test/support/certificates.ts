import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A certificate and its key as PEM files. */
export interface PemFiles {
  readonly cert: string;
  readonly key: string;
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe', timeout: 20_000 });
}

export interface CertificateOptions {
  readonly days?: number;
  /** Dates as openssl writes them, such as `20200101000000Z`; in place of `days`. */
  readonly from?: string;
  readonly to?: string;
  readonly rsaBits?: number;
  readonly commonName?: string;
}

/** Makes a self-signed certificate for localhost, of an ECDSA key unless `rsaBits` is given. */
export function makeCertificate(folder: string, name: string, options: CertificateOptions = {}): PemFiles {
  const { days = 90, from, to, rsaBits, commonName = 'localhost' } = options;
  const files = { cert: join(folder, `${name}.cert.pem`), key: join(folder, `${name}.key.pem`) };
  makeKey(files.key, rsaBits);
  const dates = from === undefined ? ['-days', String(days)] : ['-not_before', from, '-not_after', to!];
  if (from === undefined) {
    const names = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    openssl('req', '-x509', '-key', files.key, '-out', files.cert, '-subj', `/CN=${commonName}`, ...names, ...dates);
  } else signWithDates(folder, files, commonName, from, to!);
  return files;
}

/** A certificate that an authority has signed by way of an intermediate one; `cert` holds the chain, the root is apart. */
export function makeChain(folder: string, name: string): PemFiles & { readonly root: string } {
  const root = makeCertificate(folder, `${name}-root`, { commonName: 'Test Root' });
  const middle = issue(folder, `${name}-middle`, 'Test Intermediate', root, 'basicConstraints=critical,CA:TRUE');
  const own = issue(folder, name, 'localhost', middle, 'subjectAltName=DNS:localhost,IP:127.0.0.1');
  writeFileSync(own.cert, readFileSync(own.cert, 'utf8') + readFileSync(middle.cert, 'utf8'));
  return { ...own, root: root.cert };
}

/** How a PKCS#12 file is made; without anything as openssl does it today. */
export type PfxStyle = 'modern' | 'windows' | 'rc2-40' | 'no-key' | 'no-certificate';

const pfxArguments: Record<PfxStyle, readonly string[]> = {
  modern: [],
  // What Export-PfxCertificate writes without further arguments.
  windows: ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'],
  'rc2-40': ['-legacy', '-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-RC2-40'],
  'no-key': ['-nokeys'],
  'no-certificate': ['-nocerts'],
};

/** Makes a PKCS#12 file; further certificates of the chain come from `pem.cert` too. */
export function makePfx(file: string, pem: PemFiles, password: string, style: PfxStyle = 'modern'): string {
  const keyArguments = style === 'no-key' ? [] : ['-inkey', pem.key];
  const output = ['-out', file, '-passout', `pass:${password}`];
  openssl('pkcs12', '-export', '-in', pem.cert, ...keyArguments, ...output, ...pfxArguments[style]);
  return file;
}

/** Writes the private key again, encrypted with a password. */
export function encryptKey(pem: PemFiles, password: string): PemFiles {
  const key = pem.key.replace('.pem', '.encrypted.pem');
  openssl('pkey', '-in', pem.key, '-aes256', '-passout', `pass:${password}`, '-out', key);
  return { ...pem, key };
}

/** SHA-256 fingerprint of the first certificate of a PEM file, as Node writes it. */
export function fingerprintOf(certFile: string): string {
  const text = execFileSync('openssl', ['x509', '-in', certFile, '-noout', '-fingerprint', '-sha256'], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  return text.trim().split('=')[1]!;
}

function makeKey(file: string, rsaBits: number | undefined): void {
  const kind = rsaBits === undefined ? ['EC', '-pkeyopt', 'ec_paramgen_curve:prime256v1'] : ['RSA'];
  const bits = rsaBits === undefined ? [] : ['-pkeyopt', `rsa_keygen_bits:${rsaBits}`];
  openssl('genpkey', '-algorithm', ...kind, ...bits, '-out', file);
}

function issue(folder: string, name: string, commonName: string, issuer: PemFiles, extension: string): PemFiles {
  const files = { cert: join(folder, `${name}.cert.pem`), key: join(folder, `${name}.key.pem`) };
  const request = join(folder, `${name}.csr`);
  const extensions = join(folder, `${name}.ext`);
  makeKey(files.key, undefined);
  writeFileSync(extensions, `${extension}\n`);
  openssl('req', '-new', '-key', files.key, '-subj', `/CN=${commonName}`, '-out', request);
  const signing = ['-CA', issuer.cert, '-CAkey', issuer.key, '-CAcreateserial', '-extfile', extensions];
  openssl('x509', '-req', '-in', request, ...signing, '-days', '90', '-out', files.cert);
  return files;
}

/** `openssl req -x509` of OpenSSL 3.0 cannot set dates, but `openssl ca` can. */
function signWithDates(folder: string, files: PemFiles, commonName: string, from: string, to: string): void {
  const config = join(folder, 'ca.cnf');
  const request = join(folder, 'dated.csr');
  writeFileSync(join(folder, 'ca.index'), '');
  writeFileSync(
    config,
    `[ca]\ndefault_ca=d\n[d]\ndatabase=${folder}/ca.index\nnew_certs_dir=${folder}\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n`,
  );
  openssl('req', '-new', '-key', files.key, '-subj', `/CN=${commonName}`, '-out', request);
  const dates = ['-startdate', from, '-enddate', to];
  openssl(
    'ca',
    '-batch',
    '-selfsign',
    '-config',
    config,
    '-keyfile',
    files.key,
    '-in',
    request,
    '-out',
    files.cert,
    ...dates,
  );
}
