import assert from 'node:assert/strict';
import type { XmlElement } from '../../src/onvif/xml.ts';

/**
 * The types of the WSDLs and of onvif.xsd that answers hold, as far as they go: child elements in order, `?` for optional,
 * `*` for any number, `+` for at least one, `:Type` for one of these; `@` is a required attribute. A text of its own has no
 * type. Extension elements that we never write are left out.
 */
const types: Readonly<Record<string, string>> = {
  // devicemgmt.wsdl
  Service: 'Namespace XAddr Capabilities? Version:OnvifVersion',
  OnvifVersion: 'Major Minor',
  DeviceServiceCapabilities: 'Network Security System Misc?',
  DeviceInformation: 'Manufacturer Model FirmwareVersion SerialNumber HardwareId',
  // onvif.xsd: device
  SystemDateTime: 'DateTimeType DaylightSavings TimeZone:TimeZone? UTCDateTime:DateTime? LocalDateTime:DateTime?',
  TimeZone: 'TZ',
  DateTime: 'Time:Time Date:Date',
  Time: 'Hour Minute Second',
  Date: 'Year Month Day',
  NetworkInterface: '@token Enabled Info:NetworkInterfaceInfo? Link? IPv4:IPv4NetworkInterface? IPv6?',
  NetworkInterfaceInfo: 'Name? HwAddress MTU?',
  IPv4NetworkInterface: 'Enabled Config:IPv4Configuration',
  IPv4Configuration: 'Manual:PrefixedIPv4Address* LinkLocal? FromDHCP? DHCP',
  PrefixedIPv4Address: 'Address PrefixLength',
  NetworkProtocol: 'Name Enabled Port+',
  HostnameInformation: 'FromDHCP Name?',
  DNSInformation: 'FromDHCP SearchDomain* DNSFromDHCP* DNSManual*',
  NTPInformation: 'FromDHCP NTPFromDHCP* NTPManual*',
  NetworkGateway: 'IPv4Address* IPv6Address*',
  Scope: 'ScopeDef ScopeItem',
  User: 'Username Password? UserLevel',
  Capabilities:
    'Analytics? Device:DeviceCapabilities? Events:EventCapabilities? Imaging? Media:MediaCapabilities? PTZ?',
  DeviceCapabilities:
    'XAddr Network:NetworkCapabilities? System:SystemCapabilities? IO:IOCapabilities? Security:SecurityCapabilities?',
  NetworkCapabilities: 'IPFilter? ZeroConfiguration? IPVersion6? DynDNS?',
  SystemCapabilities:
    'DiscoveryResolve DiscoveryBye RemoteDiscovery SystemBackup SystemLogging FirmwareUpgrade SupportedVersions:OnvifVersion+',
  IOCapabilities: 'InputConnectors? RelayOutputs?',
  SecurityCapabilities:
    'TLS1.1 TLS1.2 OnboardKeyGeneration AccessPolicyConfig X.509Token SAMLToken KerberosToken RELToken',
  EventCapabilities:
    'XAddr WSSubscriptionPolicySupport WSPullPointSupport WSPausableSubscriptionManagerInterfaceSupport',
  MediaCapabilities: 'XAddr StreamingCapabilities:RealTimeStreamingCapabilities Extension:MediaCapabilitiesExtension?',
  RealTimeStreamingCapabilities: 'RTPMulticast? RTP_TCP? RTP_RTSP_TCP?',
  MediaCapabilitiesExtension: 'ProfileCapabilities:ProfileCapabilities',
  ProfileCapabilities: 'MaximumNumberOfProfiles',
  // onvif.xsd: media
  MediaServiceCapabilities: 'ProfileCapabilities StreamingCapabilities',
  VideoSource: '@token Framerate Resolution:VideoResolution Imaging?',
  VideoResolution: 'Width Height',
  VideoSourceConfiguration: '@token Name UseCount SourceToken Bounds:IntRectangle',
  IntRectangle: '@x @y @width @height',
  VideoSourceConfigurationOptions: 'BoundsRange:IntRectangleRange VideoSourceTokensAvailable+',
  IntRectangleRange: 'XRange:IntRange YRange:IntRange WidthRange:IntRange HeightRange:IntRange',
  IntRange: 'Min Max',
  VideoEncoderConfiguration:
    '@token Name UseCount Encoding Resolution:VideoResolution Quality RateControl:VideoRateControl? MPEG4? ' +
    'H264:H264Configuration? Multicast:MulticastConfiguration SessionTimeout',
  VideoRateControl: 'FrameRateLimit EncodingInterval BitrateLimit',
  H264Configuration: 'GovLength H264Profile',
  MulticastConfiguration: 'Address:IPAddress Port TTL AutoStart',
  IPAddress: 'Type IPv4Address? IPv6Address?',
  VideoEncoderConfigurationOptions:
    'QualityRange:IntRange JPEG? MPEG4? H264:H264Options? Extension:VideoEncoderOptionsExtension?',
  H264Options:
    'ResolutionsAvailable:VideoResolution+ GovLengthRange:IntRange FrameRateRange:IntRange EncodingIntervalRange:IntRange H264ProfilesSupported+',
  VideoEncoderOptionsExtension: 'JPEG? MPEG4? H264:H264Options2?',
  H264Options2:
    'ResolutionsAvailable:VideoResolution+ GovLengthRange:IntRange FrameRateRange:IntRange EncodingIntervalRange:IntRange H264ProfilesSupported+ BitrateRange:IntRange',
  Profile:
    '@token Name VideoSourceConfiguration:VideoSourceConfiguration? AudioSourceConfiguration? ' +
    'VideoEncoderConfiguration:VideoEncoderConfiguration? AudioEncoderConfiguration?',
  MediaUri: 'Uri InvalidAfterConnect InvalidAfterReboot Timeout',
  MetadataConfigurationOptions: 'PTZStatusFilterOptions:PTZStatusFilterOptions',
  PTZStatusFilterOptions: 'PanTiltStatusSupported ZoomStatusSupported',
  // ver20/media.wsdl
  MediaProfile: '@token Name Configurations:ConfigurationSet?',
  ConfigurationSet: 'VideoSource:VideoSourceConfiguration? AudioSource? VideoEncoder:VideoEncoder2Configuration?',
  VideoEncoder2Configuration:
    '@token Name UseCount Encoding Resolution:VideoResolution RateControl:VideoRateControl2? Multicast:MulticastConfiguration? Quality',
  VideoRateControl2: 'FrameRateLimit BitrateLimit AverageBitRate?',
  VideoEncoder2ConfigurationOptions:
    'Encoding QualityRange:IntRange ResolutionsAvailable:VideoResolution+ BitrateRange:IntRange',
  EncoderInstanceInfo: 'Codec:EncoderInstance* Total',
  EncoderInstance: 'Encoding Number',
};

/** Fails unless the element's content follows `model`, which is written like the types above. */
export function assertModel(element: XmlElement, model: string, path = element.name): void {
  let at = 0;
  for (const item of model.split(' ').filter((word) => word !== '')) {
    if (item.startsWith('@')) {
      assert.ok(element.attributes.has(item.slice(1)), `${path} lacks the attribute ${item}`);
      continue;
    }
    const [, name, type, occurs] = /^([\w.]+)(?::(\w+))?([?*+])?$/.exec(item)!;
    let count = 0;
    for (; element.children[at]?.name === name; at++, count++) {
      const child = element.children[at]!;
      if (type !== undefined) assertModel(child, types[type] ?? assert.fail(`no type ${type}`), `${path}/${name}`);
    }
    assert.ok(count > 0 || occurs === '?' || occurs === '*', `${path} lacks ${name}`);
    assert.ok(count < 2 || occurs === '*' || occurs === '+', `${path} has ${name} more than once`);
  }
  assert.equal(element.children[at]?.name, undefined, `${path} has what does not belong there`);
}
