import { createHash, type X509Certificate } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Logger } from '../base/logger.ts';
import { StartError } from '../config/errors.ts';
import { type TlsMaterial, TlsMaterialBoard } from '../net/tls-material.ts';
import { certificateFiles, checkCertificate, describeExposedFiles, readCertificateFiles } from './certificate-files.ts';
import { CertificateProblem, type CertificateSource } from './certificate-problem.ts';
import { signatureOf } from './file-signature.ts';

const dayMs = 86_400_000;

/** Days before its end from which on a certificate is warned about. */
export const expiryWarningDays = 30;

/** Milliseconds. Tests put shorter ones in. */
export interface CertificateTimes {
  /** From a sign of a change to the look at the files; further signs meanwhile change nothing. */
  readonly settleMs: number;
  /** For which a new certificate may be wrong before that is said: certificate and key are two files, written in turn. */
  readonly patienceMs: number;
  /** Between two looks without a sign, for file systems that give none. */
  readonly pollMs: number;
}

const usualTimes: CertificateTimes = { settleMs: 300, patienceMs: 3000, pollMs: 30_000 };

export interface CertificatesOptions {
  /** Null where nothing speaks TLS. */
  readonly source: CertificateSource | null;
  /** The password where no password file is configured; '' is none. */
  readonly password: string;
  readonly logger: Logger;
  readonly wallMs: () => number;
  readonly times?: CertificateTimes;
}

/**
 * The server's certificate: read and checked before anything starts, watched while it runs. A new one that is good takes
 * effect for new connections, through {@link TlsMaterialBoard}; one that is not is reported once, and the old one stays.
 */
export class Certificates {
  readonly #options: CertificatesOptions;
  #source: CertificateSource | null;
  #files: readonly string[];
  readonly #times: CertificateTimes;
  readonly #board = new TlsMaterialBoard();
  readonly #watchers: FSWatcher[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  #certificate: X509Certificate | null = null;
  /** Fingerprint of the files that are in force, and of those that were reported as no good. */
  #inForce = '';
  #reported = '';
  /** What was wrong at the last look, and will be reported if it is still so after a while. */
  #suspected = '';
  /** Sizes and times of the files when they were last read. */
  #signature = '';
  #settling = false;
  #looking: Promise<void> = Promise.resolve();
  #closed = false;
  #watching = false;
  readonly #onHangUp = (): void => void this.reload();

  constructor(options: CertificatesOptions) {
    this.#options = options;
    this.#source = options.source;
    this.#files = filesOf(options.source);
    this.#times = options.times ?? usualTimes;
  }

  /** What other threads open their {@link TlsMaterialBoard} with; the board is empty until TLS is wanted. */
  get memory(): SharedArrayBuffer {
    return this.#board.memory;
  }

  /** The certificate in force; null before the first. */
  get certificate(): X509Certificate | null {
    return this.#certificate;
  }

  /** Reads the first certificate. Throws {@link StartError} if it cannot be used. */
  async load(): Promise<void> {
    (await this.prepare(this.#source)).commit();
  }

  /**
   * Reads the certificate of other files, or of the same once more; null is none. Throws {@link StartError} if it cannot be
   * used. Nothing has changed until `commit` is called.
   */
  async prepare(source: CertificateSource | null): Promise<{ commit(): void }> {
    const files = filesOf(source);
    if (source === null) return { commit: () => this.#withdraw() };
    try {
      const signature = await signatureOf(files);
      const material = await readCertificateFiles(source, this.#options.password);
      const certificate = checkCertificate(source, material);
      const warnings = await describeExposedFiles(source, material);
      return {
        commit: () => {
          this.#follow(source, files);
          this.#signature = signature;
          if (digestOf(material) === this.#inForce) return this.#warnOfExpiry();
          this.#take(material, certificate, 'TLS certificate');
          for (const warning of warnings) this.#options.logger.warn({}, warning);
        },
      };
    } catch (error) {
      if (error instanceof CertificateProblem) throw new StartError(error.message, { cause: error });
      throw error;
    }
  }

  #withdraw(): void {
    this.#follow(null, []);
    this.#board.withdraw();
    this.#certificate = null;
    this.#inForce = '';
  }

  #follow(source: CertificateSource | null, files: readonly string[]): void {
    this.#source = source;
    if (files.join('|') === this.#files.join('|')) return;
    this.#files = files;
    if (this.#watching) this.#watchFolders();
  }

  #watchFolders(): void {
    for (const watcher of this.#watchers.splice(0)) watcher.close();
    for (const folder of new Set(this.#files.map((file) => dirname(file)))) this.#watchFolder(folder);
  }

  /** Looks for changes from now on: by signs of the file system, by SIGHUP, and now and then without either. */
  watch(): void {
    this.#watching = true;
    this.#watchFolders();
    this.#every(this.#times.pollMs, () => void this.#look(false));
    this.#every(dayMs, () => this.#warnOfExpiry());
    // On a terminal this signal means that the terminal is gone.
    if (process.platform !== 'win32' && !process.stdout.isTTY) process.on('SIGHUP', this.#onHangUp);
  }

  /** Reads the files whether or not they seem changed, and says what came of it. Never throws. */
  reload(): Promise<void> {
    return this.#look(true);
  }

  /** Looks no more. The certificate stays in force. */
  close(): void {
    this.#closed = true;
    for (const watcher of this.#watchers) watcher.close();
    for (const timer of this.#timers) clearTimeout(timer);
    process.off('SIGHUP', this.#onHangUp);
  }

  // ---- signs of a change ---------------------------------------------------------------------------------------------

  /** The folder, not the file: certificates are replaced by renaming, and a watched file that was renamed is the old one. */
  #watchFolder(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#onSign());
      watcher.on('error', () => watcher.close());
      this.#watchers.push(watcher);
    } catch (error) {
      this.#options.logger.debug({ err: error, folder }, 'the certificate folder cannot be watched; it is polled');
    }
  }

  #onSign(): void {
    if (this.#settling) return;
    this.#settling = true;
    this.#after(this.#times.settleMs, () => {
      this.#settling = false;
      void this.#look(false);
    });
  }

  // ---- a look at the files -------------------------------------------------------------------------------------------

  /** `asked`: somebody waits for an answer. `suspicion`: what was wrong a while ago, and is reported if it still is. */
  #look(asked: boolean, suspicion = ''): Promise<void> {
    this.#looking = this.#looking.then(() => this.#lookNow(asked, suspicion));
    return this.#looking;
  }

  async #lookNow(asked: boolean, suspicion: string): Promise<void> {
    const source = this.#source;
    if (this.#closed || source === null) return;
    const { logger } = this.#options;
    let digest = '';
    try {
      const signature = await signatureOf(this.#files);
      if (!asked && signature === this.#signature) return;
      const material = await readCertificateFiles(source, this.#options.password);
      digest = digestOf(material);
      if (digest === this.#inForce) {
        this.#signature = signature;
        this.#reported = '';
        this.#suspected = '';
        if (asked) logger.info({}, 'the TLS certificate is the same as before');
        return;
      }
      const certificate = checkCertificate(source, material);
      if (this.#closed || source !== this.#source) return;
      this.#signature = signature;
      this.#take(material, certificate, 'TLS certificate replaced; connections that are open keep the old one');
    } catch (error) {
      if (this.#closed) return;
      const message = error instanceof Error ? error.message : String(error);
      const what = `${digest} ${message}`;
      if (asked || (what === suspicion && what !== this.#reported)) this.#report(message, what);
      else this.#suspect(what);
    }
  }

  #report(message: string, what: string): void {
    this.#suspected = '';
    this.#reported = what;
    this.#options.logger.error({}, `${message}; the old certificate stays in force`);
  }

  /** A change may be half done, so what is wrong gets some time to become right. */
  #suspect(what: string): void {
    if (what === this.#reported || what === this.#suspected) return;
    this.#suspected = what;
    this.#after(this.#times.patienceMs, () => void this.#look(false, what));
  }

  #take(material: TlsMaterial, certificate: X509Certificate, message: string): void {
    this.#board.publish(material);
    this.#certificate = certificate;
    this.#inForce = digestOf(material);
    this.#reported = '';
    this.#suspected = '';
    this.#options.logger.info(describeCertificate(certificate, this.#options.wallMs()), message);
    this.#warnOfExpiry();
  }

  #warnOfExpiry(): void {
    if (this.#certificate === null) return;
    const warning = expiryWarning(this.#certificate, this.#options.wallMs());
    if (warning !== null) this.#options.logger.warn({ validTo: this.#certificate.validToDate.toISOString() }, warning);
  }

  #after(ms: number, act: () => void): void {
    if (this.#closed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer.unref());
  }

  #every(ms: number, act: () => void): void {
    this.#timers.add(setInterval(act, ms).unref());
  }
}

function filesOf(source: CertificateSource | null): string[] {
  return source === null ? [] : certificateFiles(source).map((file) => resolve(file));
}

/** What a log record tells about a certificate. */
export function describeCertificate(certificate: X509Certificate, nowMs: number): object {
  const { subject, issuer, subjectAltName, fingerprint256, validToDate } = certificate;
  return {
    subject: oneLine(subject),
    names: subjectAltName,
    // Some encoders, OBS among them, refuse a certificate that no authority has signed, and do not say so.
    issuer: certificate.checkIssued(certificate) ? 'self-signed; OBS and others do not accept it' : oneLine(issuer),
    fingerprint256,
    validTo: validToDate.toISOString(),
    days: Math.floor((validToDate.getTime() - nowMs) / dayMs),
  };
}

/** What an operator must know about the dates of a certificate; null if they are fine. */
export function expiryWarning(certificate: X509Certificate, nowMs: number): string | null {
  const { validFromDate, validToDate } = certificate;
  const day = (date: Date): string => date.toISOString().slice(0, 10);
  const leftMs = validToDate.getTime() - nowMs;
  if (leftMs <= 0)
    return `the TLS certificate has expired on ${day(validToDate)}; encoders may refuse it: replace the file, no restart is needed`;
  if (validFromDate.getTime() > nowMs)
    return `the TLS certificate is valid only from ${day(validFromDate)}; check the clock of this machine`;
  if (leftMs > expiryWarningDays * dayMs) return null;
  const days = Math.floor(leftMs / dayMs);
  const when = days === 0 ? 'within a day' : days === 1 ? 'in 1 day' : `in ${days} days`;
  return `the TLS certificate expires ${when}, on ${day(validToDate)}; replace the file in time, no restart is needed`;
}

function oneLine(name: string | undefined): string {
  return (name ?? '').replaceAll('\n', ', ');
}

function digestOf(material: TlsMaterial): string {
  const hash = createHash('sha256').update(material.passphrase).update('\0');
  if (material.form === 'pfx') hash.update(material.pfx);
  else hash.update(material.certificate).update('\0').update(material.key);
  return hash.digest('base64');
}
