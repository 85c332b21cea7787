import type { DeviceFacts } from './device-facts.ts';
import { eventCapabilitiesXml } from './events/event-service.ts';
import { OnvifFault } from './fault.ts';
import { mediaCapabilitiesXml } from './media-service.ts';
import { media2CapabilitiesXml } from './media2-service.ts';
import { namespaces, servicePaths } from './namespaces.ts';
import { channelsOf } from './tokens.ts';

/** Version of the service specifications that we follow. */
const version = { major: 2, minor: 60 } as const;

const versionXml = (tag: string) =>
  `<${tag}><tt:Major>${version.major}</tt:Major><tt:Minor>${version.minor}</tt:Minor></${tag}>`;

type ServicePrefix = keyof typeof servicePaths;

/** tds:Capabilities of the device service. */
export function deviceCapabilitiesXml(tag: string, facts: DeviceFacts): string {
  const { tls, user, discoverable } = facts;
  return (
    `<${tag}><tds:Network IPFilter="false" ZeroConfiguration="false" IPVersion6="false" DynDNS="false"` +
    ' Dot11Configuration="false" Dot1XConfigurations="0" HostnameFromDHCP="false" NTP="0" DHCPv6="false"/>' +
    `<tds:Security TLS1.0="false" TLS1.1="false" TLS1.2="${tls}" OnboardKeyGeneration="false" AccessPolicyConfig="false"` +
    ' DefaultAccessPolicy="false" Dot1X="false" RemoteUserHandling="false" X.509Token="false" SAMLToken="false"' +
    ` KerberosToken="false" UsernameToken="${user !== null}" HttpDigest="${user !== null}" RELToken="false" MaxUsers="1"/>` +
    `<tds:System DiscoveryResolve="false" DiscoveryBye="${discoverable}" RemoteDiscovery="false" SystemBackup="false"` +
    ' SystemLogging="false" FirmwareUpgrade="false" HttpFirmwareUpgrade="false" HttpSystemBackup="false"' +
    ` HttpSystemLogging="false" HttpSupportInformation="false" StorageConfiguration="false"/></${tag}>`
  );
}

/** The content of GetServices' answer. `has` says which services there are beside our own. */
export function servicesXml(facts: DeviceFacts, origin: string, hasEvents: boolean, withCapabilities: boolean): string {
  const capabilities: readonly (readonly [ServicePrefix, string])[] = [
    ['tds', deviceCapabilitiesXml('tds:Capabilities', facts)],
    ['trt', mediaCapabilitiesXml('trt:Capabilities', facts)],
    ['tr2', media2CapabilitiesXml('tr2:Capabilities', facts)],
    ...(hasEvents ? ([['tev', eventCapabilitiesXml]] as const) : []),
  ];
  return capabilities
    .map(
      ([prefix, xml]) =>
        `<tds:Service><tds:Namespace>${namespaces[prefix]}</tds:Namespace><tds:XAddr>${origin}${servicePaths[prefix]}</tds:XAddr>` +
        `${withCapabilities ? `<tds:Capabilities>${xml}</tds:Capabilities>` : ''}${versionXml('tds:Version')}</tds:Service>`,
    )
    .join('');
}

/** The content of GetCapabilities' answer, for clients from before GetServices. Categories are those of tt:CapabilityCategory. */
export function oldCapabilitiesXml(
  facts: DeviceFacts,
  origin: string,
  hasEvents: boolean,
  categories: ReadonlySet<string>,
): string {
  const parts: readonly (readonly [string, string])[] = [
    ['Device', oldDeviceXml(facts, origin)],
    ['Events', hasEvents ? oldEventsXml(origin) : ''],
    ['Media', oldMediaXml(facts, origin)],
  ];
  const all = categories.size === 0 || categories.has('All');
  const chosen = parts.filter(([category, xml]) => xml !== '' && (all || categories.has(category)));
  if (chosen.length === 0)
    throw new OnvifFault('Receiver', ['ter:ActionNotSupported', 'ter:NoSuchService'], 'There is no such service');
  return `<tds:Capabilities>${chosen.map(([, xml]) => xml).join('')}</tds:Capabilities>`;
}

function oldDeviceXml({ tls, discoverable }: DeviceFacts, origin: string): string {
  return (
    `<tt:Device><tt:XAddr>${origin}${servicePaths.tds}</tt:XAddr>` +
    '<tt:Network><tt:IPFilter>false</tt:IPFilter><tt:ZeroConfiguration>false</tt:ZeroConfiguration>' +
    '<tt:IPVersion6>false</tt:IPVersion6><tt:DynDNS>false</tt:DynDNS></tt:Network>' +
    `<tt:System><tt:DiscoveryResolve>false</tt:DiscoveryResolve><tt:DiscoveryBye>${discoverable}</tt:DiscoveryBye>` +
    '<tt:RemoteDiscovery>false</tt:RemoteDiscovery><tt:SystemBackup>false</tt:SystemBackup>' +
    '<tt:SystemLogging>false</tt:SystemLogging><tt:FirmwareUpgrade>false</tt:FirmwareUpgrade>' +
    `${versionXml('tt:SupportedVersions')}</tt:System>` +
    '<tt:IO><tt:InputConnectors>0</tt:InputConnectors><tt:RelayOutputs>0</tt:RelayOutputs></tt:IO>' +
    `<tt:Security><tt:TLS1.1>false</tt:TLS1.1><tt:TLS1.2>${tls}</tt:TLS1.2>` +
    '<tt:OnboardKeyGeneration>false</tt:OnboardKeyGeneration><tt:AccessPolicyConfig>false</tt:AccessPolicyConfig>' +
    '<tt:X.509Token>false</tt:X.509Token><tt:SAMLToken>false</tt:SAMLToken>' +
    '<tt:KerberosToken>false</tt:KerberosToken><tt:RELToken>false</tt:RELToken></tt:Security></tt:Device>'
  );
}

function oldEventsXml(origin: string): string {
  return (
    `<tt:Events><tt:XAddr>${origin}${servicePaths.tev}</tt:XAddr>` +
    '<tt:WSSubscriptionPolicySupport>false</tt:WSSubscriptionPolicySupport>' +
    '<tt:WSPullPointSupport>true</tt:WSPullPointSupport>' +
    '<tt:WSPausableSubscriptionManagerInterfaceSupport>false</tt:WSPausableSubscriptionManagerInterfaceSupport></tt:Events>'
  );
}

function oldMediaXml({ device }: DeviceFacts, origin: string): string {
  return (
    `<tt:Media><tt:XAddr>${origin}${servicePaths.trt}</tt:XAddr><tt:StreamingCapabilities>` +
    '<tt:RTPMulticast>false</tt:RTPMulticast><tt:RTP_TCP>true</tt:RTP_TCP><tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP>' +
    '</tt:StreamingCapabilities><tt:Extension><tt:ProfileCapabilities>' +
    `<tt:MaximumNumberOfProfiles>${channelsOf(device).length}</tt:MaximumNumberOfProfiles>` +
    '</tt:ProfileCapabilities></tt:Extension></tt:Media>'
  );
}
