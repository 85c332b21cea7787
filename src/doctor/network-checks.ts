import { limits } from '../base/limits.ts';
import type { Config } from '../config/schema.ts';
import { checkOf, type Finding } from './finding.ts';
import type { WantedPort } from './port-checks.ts';

/** What is known of the network of this machine. */
export interface NetworkFacts {
  readonly platform: string;
  /** What opening any port at `::` came to: null if it can be had, else the system's code. */
  readonly ipv6Code: string | null;
  /** The same for a UDP port at the address of the listeners, for RTP, ... */
  readonly rtpCode: string | null;
  /** ... and for the one of discovery; null also where that is off. */
  readonly discoveryCode: string | null;
  /** Values of sysctl by their names; what is not there is missing. */
  readonly sysctl: Readonly<Record<string, string>>;
  /** Addresses of this machine that others can reach, the best first; only 127.0.0.1 if there are none. */
  readonly hosts: readonly string[];
  /** Command of a firewall that was found: `ufw` or `firewall-cmd`. */
  readonly firewall: string | null;
}

/** What listeners and RTP over UDP ask the system for. */
const { backlog, sendBufferBytes } = limits.sockets;

/** Whether cameras and recorders reach the ports, and whether the system gives sockets what they ask for. */
export function checkNetwork(config: Config, facts: NetworkFacts, ports: readonly WantedPort[]): Finding[] {
  return [
    ...checkFamilies(config, facts),
    ...checkUdp(config, facts),
    ...checkKernel(facts),
    checkAddresses(config, facts, ports),
    adviseFirewall(config, facts, ports),
  ];
}

function checkFamilies({ host }: Config, { ipv6Code }: NetworkFacts): Finding[] {
  const check = checkOf('ipv6', 'IPv6');
  if (host !== '::') return [check.ok(`listens on ${host} alone, as --host says`)];
  if (ipv6Code === null) return [check.ok('IPv6 and IPv4 on the same ports')];
  return [
    check.warning(
      `this machine has none (${ipv6Code}): the ports are open for IPv4 alone`,
      'nothing, unless encoders or recorders come over IPv6; --host 0.0.0.0 says that it is meant',
    ),
  ];
}

function checkUdp({ discovery }: Config, { rtpCode, discoveryCode, sysctl }: NetworkFacts): Finding[] {
  const check = checkOf('udp', 'UDP for RTP');
  const range = sysctl['net.ipv4.ip_local_port_range']?.trim().replace(/\s+/, '-');
  const findings =
    rtpCode === null
      ? [check.ok(range === undefined ? 'ports can be opened' : `ports of the range ${range} can be opened`)]
      : [check.problem(`no port can be opened (${rtpCode})`, 'correct --host, or let readers use TCP alone')];
  if (discovery && discoveryCode !== null)
    findings.push(
      checkOf('udp', 'Discovery').warning(
        `UDP port 3702 cannot be opened (${discoveryCode})`,
        'see whether another ONVIF device or program of this machine has it, or use --no-discovery',
      ),
    );
  return findings;
}

function checkKernel({ platform, sysctl }: NetworkFacts): Finding[] {
  if (platform !== 'linux') return [];
  const findings: Finding[] = [];
  const most = Number(sysctl['net.core.somaxconn']);
  const queue = checkOf('somaxconn', 'Connection queue');
  if (most >= backlog) findings.push(queue.ok(`net.core.somaxconn is ${most}`));
  else if (most > 0)
    findings.push(
      queue.warning(
        `net.core.somaxconn is ${most}: when hundreds of encoders come back at once, some have to try again`,
        `sysctl -w net.core.somaxconn=${backlog}, and the same in /etc/sysctl.d`,
      ),
    );
  const buffer = Number(sysctl['net.core.wmem_max']);
  const socket = checkOf('socket-buffers', 'Socket buffers');
  if (buffer >= sendBufferBytes) findings.push(socket.ok(`net.core.wmem_max is ${buffer}`));
  else if (buffer > 0)
    findings.push(
      socket.warning(
        `net.core.wmem_max is ${buffer}: many readers over UDP may lose packets of large pictures; TCP is not concerned`,
        `sysctl -w net.core.wmem_max=${sendBufferBytes}, and the same in /etc/sysctl.d, if there are readers over UDP`,
      ),
    );
  return findings;
}

function checkAddresses(config: Config, { hosts }: NetworkFacts, ports: readonly WantedPort[]): Finding {
  const check = checkOf('addresses', 'For XProtect');
  const onvif = ports.find(({ use }) => use === 'ONVIF') ?? ports.find(({ use }) => use === 'RTSP');
  const scheme = onvif?.use === 'RTSP' ? 'rtsp' : 'http';
  const urls = hosts.map((host) => `${scheme}://${host.includes(':') ? `[${host}]` : host}:${onvif?.port ?? 0}`);
  const isLocal = hosts.every((host) => host === 'localhost' || host === '::1' || host.startsWith('127.'));
  if (isLocal)
    return check.warning(
      `only this machine reaches ${urls.join(', ')}`,
      config.host === '::' || config.host === '0.0.0.0'
        ? 'connect a network; it has no address that others reach'
        : 'listen on an address of the network with --host, unless XProtect runs here too',
    );
  return check.ok(`reached at ${urls.slice(0, 6).join(', ')}${urls.length > 6 ? ' and others' : ''}`);
}

function adviseFirewall(config: Config, { firewall, platform }: NetworkFacts, ports: readonly WantedPort[]): Finding {
  const check = checkOf('firewall', 'Firewall');
  const tcp = [...new Set(ports.map(({ port }) => port))];
  const open = `it must let in TCP ${tcp.join(', ')}${config.discovery ? ' and UDP 3702' : ''}, and UDP for readers that do not use TCP`;
  const first = tcp[0] ?? 1935;
  const command =
    firewall === 'ufw'
      ? `ufw allow ${first}/tcp`
      : firewall === 'firewall-cmd'
        ? `firewall-cmd --permanent --add-port=${first}/tcp`
        : platform === 'win32'
          ? `netsh advfirewall firewall add rule name=Skyweir dir=in action=allow protocol=TCP localport=${tcp.join(',')}`
          : null;
  return check.ok(
    command === null ? open : `${open}: ${command}${tcp.length > 1 && platform !== 'win32' ? ' and so on' : ''}`,
  );
}
