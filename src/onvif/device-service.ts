import { deviceCapabilitiesXml, oldCapabilitiesXml, servicesXml } from './capabilities.ts';
import type { DeviceFacts, InterfaceAddress } from './device-facts.ts';
import { namespaces } from './namespaces.ts';
import { ignored, type Operation, OperationService } from './operations.ts';
import { deviceScopes } from './scopes.ts';
import type { ServiceCall } from './service.ts';
import { escapeXml, textAt } from './xml.ts';

/**
 * The device service (ONVIF Core, clause 8). Nothing of the machine can be changed through it, let alone restarted:
 * SetNetworkProtocols and SetScopes are accepted without effect, because recorders call them; the rest is not implemented.
 */
export class DeviceService extends OperationService {
  readonly #facts: DeviceFacts;
  readonly #hasEvents: boolean;

  constructor(facts: DeviceFacts, hasEvents: boolean) {
    super('tds');
    this.#facts = facts;
    this.#hasEvents = hasEvents;
  }

  protected override table(): Record<string, Operation> {
    const facts = this.#facts;
    return {
      GetServices: ({ body, origin }) =>
        servicesXml(facts, escapeXml(origin), this.#hasEvents, /^(true|1)$/.test(textAt(body, 'IncludeCapability'))),
      GetCapabilities: ({ body, origin }) => {
        const categories = new Set(body.children.filter(({ name }) => name === 'Category').map(({ text }) => text));
        return oldCapabilitiesXml(facts, escapeXml(origin), this.#hasEvents, categories);
      },
      GetServiceCapabilities: () => deviceCapabilitiesXml('tds:Capabilities', facts),
      GetDeviceInformation: () => this.#information(),
      GetSystemDateAndTime: () => systemTimeXml(new Date(facts.clock.wallMs())),
      GetNetworkInterfaces: (call) => this.#interfaces(call),
      GetNetworkProtocols: () => this.#protocols(),
      SetNetworkProtocols: ignored,
      GetScopes: () => this.#scopes(),
      SetScopes: ignored,
      GetHostname: () =>
        `<tds:HostnameInformation><tt:FromDHCP>false</tt:FromDHCP><tt:Name>${hostName(facts)}</tt:Name></tds:HostnameInformation>`,
      GetDNS: () => '<tds:DNSInformation><tt:FromDHCP>false</tt:FromDHCP></tds:DNSInformation>',
      GetNTP: () => '<tds:NTPInformation><tt:FromDHCP>false</tt:FromDHCP></tds:NTPInformation>',
      GetNetworkDefaultGateway: () => '<tds:NetworkGateway/>',
      GetDiscoveryMode: () =>
        `<tds:DiscoveryMode>${facts.discoverable ? 'Discoverable' : 'NonDiscoverable'}</tds:DiscoveryMode>`,
      GetUsers: () =>
        facts.user === null
          ? ''
          : `<tds:User><tt:Username>${escapeXml(facts.user)}</tt:Username><tt:UserLevel>Administrator</tt:UserLevel></tds:User>`,
      GetWsdlUrl: () => '<tds:WsdlUrl>https://www.onvif.org/profiles/specifications/</tds:WsdlUrl>',
      GetEndpointReference: () => `<tds:GUID>urn:uuid:${facts.device.identity.uuid}</tds:GUID>`,
      GetRelayOutputs: ignored,
    };
  }

  #information(): string {
    const { product, version, device } = this.#facts;
    const { serial, hardwareId } = device.identity;
    return (
      `<tds:Manufacturer>${escapeXml(product)}</tds:Manufacturer><tds:Model>${escapeXml(product)}</tds:Model>` +
      `<tds:FirmwareVersion>${escapeXml(version)}</tds:FirmwareVersion>` +
      `<tds:SerialNumber>${escapeXml(serial)}</tds:SerialNumber><tds:HardwareId>${escapeXml(hardwareId)}</tds:HardwareId>`
    );
  }

  /** One interface with the device's own MAC address. No loopback address: XProtect refuses devices that list one. */
  #interfaces({ localAddress }: ServiceCall): string {
    const addresses = this.#facts.interfaces();
    const own = addresses.find(({ address }) => address === localAddress) ?? addresses[0] ?? null;
    return (
      '<tds:NetworkInterfaces token="eth0"><tt:Enabled>true</tt:Enabled><tt:Info><tt:Name>eth0</tt:Name>' +
      `<tt:HwAddress>${this.#facts.device.identity.mac}</tt:HwAddress><tt:MTU>1500</tt:MTU></tt:Info>` +
      `${own === null ? '' : ipv4Xml(own)}</tds:NetworkInterfaces>`
    );
  }

  #protocols(): string {
    const { tls, httpPort, rtspPort } = this.#facts;
    return (
      protocolXml('HTTP', true, httpPort) +
      (tls ? protocolXml('HTTPS', true, httpPort) : '') +
      protocolXml('RTSP', true, rtspPort)
    );
  }

  #scopes(): string {
    return deviceScopes(this.#facts.device, this.#facts.product)
      .map(
        (scope) =>
          `<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef><tt:ScopeItem>${escapeXml(scope)}</tt:ScopeItem></tds:Scopes>`,
      )
      .join('');
  }
}

/** The one operation that nobody has to log in for: a client must know our time to make a UsernameToken. */
export function isOpen(namespace: string, operation: string): boolean {
  return namespace === namespaces.tds && operation === 'GetSystemDateAndTime';
}

/** Unique in the network, and of letters that a host name may have. */
function hostName({ device }: DeviceFacts): string {
  return `skyweir-${device.identity.mac.replaceAll(':', '').slice(-6)}`;
}

function protocolXml(name: string, enabled: boolean, port: number): string {
  return (
    `<tds:NetworkProtocols><tt:Name>${name}</tt:Name><tt:Enabled>${enabled}</tt:Enabled>` +
    `<tt:Port>${port}</tt:Port></tds:NetworkProtocols>`
  );
}

function ipv4Xml({ address, prefixLength }: InterfaceAddress): string {
  return (
    '<tt:IPv4><tt:Enabled>true</tt:Enabled><tt:Config><tt:Manual>' +
    `<tt:Address>${escapeXml(address)}</tt:Address><tt:PrefixLength>${prefixLength}</tt:PrefixLength></tt:Manual>` +
    '<tt:DHCP>false</tt:DHCP></tt:Config></tt:IPv4>'
  );
}

/** tt:SystemDateTime. All times are UTC, so the zone is too. */
function systemTimeXml(now: Date): string {
  const time =
    `<tt:Time><tt:Hour>${now.getUTCHours()}</tt:Hour><tt:Minute>${now.getUTCMinutes()}</tt:Minute>` +
    `<tt:Second>${now.getUTCSeconds()}</tt:Second></tt:Time>` +
    `<tt:Date><tt:Year>${now.getUTCFullYear()}</tt:Year><tt:Month>${now.getUTCMonth() + 1}</tt:Month>` +
    `<tt:Day>${now.getUTCDate()}</tt:Day></tt:Date>`;
  return (
    '<tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings>' +
    `<tt:TimeZone><tt:TZ>UTC0</tt:TZ></tt:TimeZone><tt:UTCDateTime>${time}</tt:UTCDateTime>` +
    `<tt:LocalDateTime>${time}</tt:LocalDateTime></tds:SystemDateAndTime>`
  );
}
