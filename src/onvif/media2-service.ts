import type { DeviceFacts } from './device-facts.ts';
import { encoder2OptionsXml, encoder2Xml, nameXml, sourceConfigurationXml } from './media-xml.ts';
import { ignored, type Operation } from './operations.ts';
import { conflict, noConfiguration, ProfileService } from './profile-service.ts';
import type { ServiceCall } from './service.ts';
import { streamUri, unavailableTransport } from './stream-uri.ts';
import { channelAt, channelsOf, type PlacedChannel, type TokenKind, tokenOf } from './tokens.ts';
import { escapeXml, textAt } from './xml.ts';

/** Of tr2:TransportProtocol, what RTSP on its own port serves. */
const rtspTransports: ReadonlySet<string> = new Set(['RtspUnicast', 'RTSP']);

/** tr2:Capabilities; also what GetServices tells of this service. */
export function media2CapabilitiesXml(tag: string, facts: DeviceFacts): string {
  return (
    `<${tag} SnapshotUri="false" Rotation="false" VideoSourceMode="false" OSD="false" Mask="false">` +
    `<tr2:ProfileCapabilities MaximumNumberOfProfiles="${channelsOf(facts.device).length}"` +
    ' ConfigurationsSupported="VideoSource VideoEncoder"/>' +
    '<tr2:StreamingCapabilities RTSPStreaming="true" RTPMulticast="false" RTP_RTSP_TCP="true"' +
    ` NonAggregateControl="false" AutoStartMulticast="false" SecureRTSPStreaming="false"/></${tag}>`
  );
}

/** The second media service (ONVIF Media2): the same profiles as the first, as newer clients want them. */
export class Media2Service extends ProfileService {
  constructor(facts: DeviceFacts) {
    super('tr2', facts);
  }

  protected override table(): Record<string, Operation> {
    const { facts } = this;
    const list =
      (kind: TokenKind, xml: typeof encoder2Xml): Operation =>
      (call) =>
        this.asked(kind, call)
          .map((placed) => xml('tr2:Configurations', facts, placed))
          .join('');
    return {
      ...super.table(),
      GetServiceCapabilities: () => media2CapabilitiesXml('tr2:Capabilities', facts),
      GetProfiles: (call) => this.#profiles(call),
      GetVideoSourceConfigurations: list('sourceConfiguration', sourceConfigurationXml),
      GetVideoEncoderConfigurations: list('encoder', encoder2Xml),
      GetVideoEncoderConfigurationOptions: (call) =>
        encoder2OptionsXml('tr2:Options', facts, this.asked('encoder', call)),
      GetVideoEncoderInstances: (call) => {
        this.named('sourceConfiguration', call, 'ConfigurationToken');
        return (
          '<tr2:Info><tr2:Codec><tr2:Encoding>H264</tr2:Encoding><tr2:Number>1</tr2:Number></tr2:Codec>' +
          '<tr2:Total>1</tr2:Total></tr2:Info>'
        );
      },
      GetStreamUri: (call) => this.#streamUri(call),
      DeleteProfile: ({ body }) => this.deleteProfile(textAt(body, 'Token')),
      AddConfiguration: (call) => this.#addConfiguration(call),
      RemoveConfiguration: this.remove,
      GetAnalyticsConfigurations: ignored,
    };
  }

  #profiles({ body }: ServiceCall): string {
    const token = textAt(body, 'Token');
    const types = new Set(body.children.filter(({ name }) => name === 'Type').map(({ text }) => text));
    const { device } = this.facts;
    const asked = token === '' ? channelsOf(device) : [channelAt(device, 'profile', token)];
    return asked.map((placed) => this.#profile(placed, types)).join('');
  }

  /** Without types there are no configurations, only the profile's name. */
  #profile(placed: PlacedChannel, types: ReadonlySet<string>): string {
    const all = types.has('All');
    const { facts } = this;
    const source = all || types.has('VideoSource') ? sourceConfigurationXml('tr2:VideoSource', facts, placed) : '';
    const encoder = all || types.has('VideoEncoder') ? encoder2Xml('tr2:VideoEncoder', facts, placed) : '';
    const configurations = types.size === 0 ? '' : `<tr2:Configurations>${source}${encoder}</tr2:Configurations>`;
    return (
      `<tr2:Profiles token="${tokenOf('profile', placed.slot)}" fixed="true">` +
      `<tr2:Name>${nameXml(placed.channel.name)}</tr2:Name>${configurations}</tr2:Profiles>`
    );
  }

  #streamUri(call: ServiceCall): string {
    const placed = this.profileOf(call);
    const protocol = textAt(call.body, 'Protocol');
    const tunnelled = protocol === 'RtspOverHttp';
    if (!tunnelled && !rtspTransports.has(protocol))
      throw unavailableTransport(/Multicast$/.test(protocol) ? 'multicast' : 'such transport');
    return `<tr2:Uri>${escapeXml(streamUri(this.facts, placed, call.origin, tunnelled))}</tr2:Uri>`;
  }

  /** What a profile has already may be added again; a new name and anything else may not. */
  #addConfiguration(call: ServiceCall): string {
    const { slot } = this.profileOf(call);
    for (const configuration of call.body.children.filter(({ name }) => name === 'Configuration')) {
      const type = textAt(configuration, 'Type');
      const token = textAt(configuration, 'Token');
      if (type === 'All') continue;
      const kind = kinds.get(type);
      if (kind === undefined) throw noConfiguration();
      if (channelAt(this.facts.device, kind, token).slot !== slot) throw conflict();
    }
    return '';
  }
}

const kinds: ReadonlyMap<string, TokenKind> = new Map([
  ['VideoSource', 'sourceConfiguration'],
  ['VideoEncoder', 'encoder'],
]);
