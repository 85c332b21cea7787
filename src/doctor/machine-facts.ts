import { execFile } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { reachableHosts } from '../banner.ts';
import { type Config, usesCertificate } from '../config/schema.ts';
import { probeTcpPort, probeUdpPort } from '../net/port-probe.ts';
import { checkCertificate, describeExposedFiles, readCertificateFiles } from '../server/certificate-files.ts';
import { CertificateProblem } from '../server/certificate-problem.ts';
import type { CertificateFacts } from './certificate-checks.ts';
import type { NetworkFacts } from './network-checks.ts';
import { type ProbedPort, type RunningServer, wantedPorts } from './port-checks.ts';

/** Milliseconds for a program of the system, or a running Skyweir, to answer. */
const answerMs = 3000;
/** Bytes of an answer that are looked at. */
const answerBytes = 64 * 1024;

const discoveryPort = 3702;

const sysctlNames = ['net.core.somaxconn', 'net.core.wmem_max', 'net.ipv4.ip_local_port_range'];

/** Tries to open every port that the configuration wants. */
export function probePorts(config: Config): Promise<ProbedPort[]> {
  return Promise.all(
    wantedPorts(config).map(async (wanted) => ({ ...wanted, code: await probeTcpPort(wanted.host, wanted.port) })),
  );
}

/** The Skyweir that answers at the HTTP port of the configuration; null if none does. */
export async function findRunning(config: Config): Promise<RunningServer | null> {
  if (!config.http || config.httpPort === 0) return null;
  const bound = config.httpHost || config.host;
  const host = bound === '::' || bound === '0.0.0.0' ? '127.0.0.1' : bound.includes(':') ? `[${bound}]` : bound;
  try {
    const url = `http://${host}:${config.httpPort}/healthz`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(answerMs), redirect: 'error' });
    const body: unknown = await answer.json();
    if (typeof body !== 'object' || body === null || !('version' in body) || !('uptimeSeconds' in body)) return null;
    return { version: String(body.version), uptimeSeconds: Number(body.uptimeSeconds) };
  } catch {
    return null;
  }
}

/** The certificate as it would be served; null without TLS. */
export async function readCertificate(config: Config, password: string): Promise<CertificateFacts | null> {
  if (!usesCertificate(config)) return null;
  try {
    const material = await readCertificateFiles(config, password);
    const certificate = checkCertificate(config, material);
    return {
      problem: null,
      fromMs: Date.parse(certificate.validFrom),
      untilMs: Date.parse(certificate.validTo),
      names: certificate.subjectAltName ?? '',
      subject: certificate.subject,
      exposed: await describeExposedFiles(config, material),
    };
  } catch (error) {
    if (error instanceof CertificateProblem) return { problem: error.message };
    throw error;
  }
}

/** What the machine says of its network. What cannot be found out is left out or null; it does not fail. */
export async function readNetwork(config: Config): Promise<NetworkFacts> {
  const { host } = config;
  const [ipv6Code, rtp, discovery] = await Promise.all([
    // A host that cannot be had is told of by its ports.
    probeUdpPort('::', 0),
    probeUdpPort(host, 0),
    config.discovery ? probeUdpPort('0.0.0.0', discoveryPort) : null,
  ]);
  const rtpCode = rtp !== null && host === '::' ? await probeUdpPort('0.0.0.0', 0) : rtp;
  return {
    platform: process.platform,
    ipv6Code,
    rtpCode,
    discoveryCode: discovery,
    sysctl: readSysctl(),
    hosts: reachableHosts(host, networkInterfaces()),
    firewall: findFirewall(),
  };
}

/** What `program` prints; null if it is not there, fails or takes too long. */
export function outputOf(program: string, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    const options = { timeout: answerMs, maxBuffer: answerBytes, env: { PATH: process.env['PATH'], LC_ALL: 'C' } };
    execFile(program, args, options, (error, stdout) => resolve(error === null ? stdout : null));
  });
}

function readSysctl(): Record<string, string> {
  const values: Record<string, string> = {};
  for (const name of sysctlNames) {
    try {
      values[name] = readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8');
    } catch {
      // Not Linux, or hidden from a container.
    }
  }
  return values;
}

function findFirewall(): string | null {
  for (const name of ['ufw', 'firewall-cmd']) {
    for (const folder of ['/usr/sbin', '/usr/bin'])
      if (statSync(`${folder}/${name}`, { throwIfNoEntry: false }) !== undefined) return name;
  }
  return null;
}
