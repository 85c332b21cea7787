import type { Config } from '../config/schema.ts';
import { isAddressError } from '../server/acceptor-supervisor.ts';
import { checkOf, type Finding } from './finding.ts';

/** A TCP port that the configuration wants. */
export interface WantedPort {
  readonly host: string;
  readonly port: number;
  /** What chooses it, such as `--rtmp-port`. */
  readonly flag: string;
  readonly use: string;
}

/** What became of trying to open it: null if that worked, else the system's code. */
export interface ProbedPort extends WantedPort {
  readonly code: string | null;
}

/** A Skyweir that answers at the HTTP port. */
export interface RunningServer {
  readonly version: string;
  readonly uptimeSeconds: number;
}

/** The ports below this need a right of their own on most systems. */
const privileged = 1024;

/** Every TCP port of a configuration that is not left to the system. */
export function wantedPorts(config: Config): WantedPort[] {
  const { host, listenerList, hardwareList } = config;
  const ports: WantedPort[] = [];
  const add = (port: number | null, flag: string, use: string, at = host): void => {
    if (port !== null && port !== 0) ports.push({ host: at, port, flag, use });
  };
  for (const { port, tls, rtmpsPort } of listenerList) {
    add(port, '--rtmp-port', tls ? 'RTMPS' : 'RTMP');
    add(rtmpsPort, '--rtmps-port', 'RTMPS');
  }
  add(config.rtspPort, '--rtsp-port', 'RTSP');
  if (config.onvif) for (const { onvifPort } of hardwareList) add(onvifPort, '--onvif-port', 'ONVIF');
  if (config.http) add(config.httpPort, '--http-port', 'HTTP', config.httpHost || host);
  return ports;
}

/** One finding for all ports that can be had, and one for each that cannot. `running` answers at the HTTP port. */
export function checkPorts(probed: readonly ProbedPort[], running: RunningServer | null): Finding[] {
  const free = probed.filter(({ code }) => code === null);
  const taken = probed.filter(({ code }) => code === 'EADDRINUSE');
  const findings: Finding[] = [];
  const ours = running !== null && taken.length > 0;
  if (ours) {
    const { version, uptimeSeconds } = running;
    const text = `${list(taken)} held while Skyweir ${version} runs here, since ${age(uptimeSeconds)}`;
    findings.push(checkOf('ports', 'Ports in use').ok(text));
  }
  if (free.length > 0) {
    const check = checkOf('ports', 'Ports free');
    findings.push(
      ours
        ? check.warning(
            `${list(free)}: Skyweir runs, but not there`,
            'restart it if the configuration was changed, and see its log',
          )
        : check.ok(list(free)),
    );
  }
  for (const { port, host, flag, use, code } of probed) {
    if (code === null || (ours && code === 'EADDRINUSE')) continue;
    const [text, remedy] = explain(code, port, host, flag);
    findings.push(checkOf('ports', `Port ${port} (${use})`).problem(text, remedy));
  }
  return findings;
}

function explain(code: string, port: number, host: string, flag: string): [text: string, remedy: string] {
  if (isAddressError(code))
    return [`${host} is no address of this machine (${code})`, 'correct --host (or --http-host)'];
  switch (code) {
    case 'EADDRINUSE':
      return [
        'another program has it, or a Skyweir that does not answer at its HTTP port',
        `end that program (ss -ltnp "sport = :${port}" names it), or choose another port with ${flag}`,
      ];
    case 'EACCES':
    case 'EPERM':
      return port < privileged
        ? [
            `ports below ${privileged} need a right of their own`,
            `choose a higher port with ${flag}, or see docs/deployment.md`,
          ]
        : ['the system does not allow it', 'see what protects ports on this machine'];
    default:
      return [`cannot be opened (${code})`, `choose another port with ${flag}`];
  }
}

function list(ports: readonly WantedPort[]): string {
  return ports.map(({ port, use }) => `${port} ${use}`).join(', ');
}

function age(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}
