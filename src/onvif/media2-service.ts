import type { DeviceFacts } from './device-facts.ts';
import { OnvifFault } from './fault.ts';
import { askedChannels, conflict } from './media-service.ts';
import {
  encoder2OptionsXml,
  encoder2Xml,
  metadataOptionsXml,
  nameXml,
  sourceConfigurationXml,
  sourceOptionsXml,
} from './media-xml.ts';
import { ignored, notImplemented, type Operation, OperationService } from './operations.ts';
import type { ServiceCall } from './service.ts';
import { streamUri, unavailableTransport } from './stream-uri.ts';
import { channelAt, channelsOf, type PlacedChannel, type TokenKind, tokenOf } from './tokens.ts';
import { childOf, escapeXml, textAt } from './xml.ts';

/** Of tr2:TransportProtocol, what RTSP on its own port serves. */
const rtspTransports: ReadonlySet<string> = new Set(['RtspUnicast', 'RTSP']);

/** Lists that are empty because there is no audio, no analytics and no metadata. */
const emptyLists = [
  'GetAudioSourceConfigurations',
  'GetAudioEncoderConfigurations',
  'GetAudioOutputConfigurations',
  'GetAudioDecoderConfigurations',
  'GetMetadataConfigurations',
  'GetAnalyticsConfigurations',
] as const;

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
export class Media2Service extends OperationService {
  readonly #facts: DeviceFacts;

  constructor(facts: DeviceFacts) {
    super('tr2');
    this.#facts = facts;
  }

  protected override table(): Record<string, Operation> {
    const facts = this.#facts;
    const list =
      (kind: TokenKind, xml: typeof encoder2Xml): Operation =>
      (call) =>
        askedChannels(facts, kind, call)
          .map((placed) => xml('tr2:Configurations', facts, placed))
          .join('');
    const set =
      (kind: TokenKind): Operation =>
      (call) => {
        channelAt(facts.device, kind, childOf(call.body, 'Configuration')?.attributes.get('token') ?? '');
        return '';
      };
    return {
      GetServiceCapabilities: () => media2CapabilitiesXml('tr2:Capabilities', facts),
      GetProfiles: (call) => this.#profiles(call),
      GetVideoSourceConfigurations: list('sourceConfiguration', sourceConfigurationXml),
      GetVideoEncoderConfigurations: list('encoder', encoder2Xml),
      SetVideoSourceConfiguration: set('sourceConfiguration'),
      SetVideoEncoderConfiguration: set('encoder'),
      GetVideoSourceConfigurationOptions: (call) =>
        sourceOptionsXml('tr2:Options', facts, askedChannels(facts, 'sourceConfiguration', call)),
      GetVideoEncoderConfigurationOptions: (call) =>
        encoder2OptionsXml('tr2:Options', facts, askedChannels(facts, 'encoder', call)),
      GetMetadataConfigurationOptions: () => `<tr2:Options>${metadataOptionsXml}</tr2:Options>`,
      GetVideoEncoderInstances: (call) => {
        channelAt(facts.device, 'sourceConfiguration', textAt(call.body, 'ConfigurationToken'));
        return (
          '<tr2:Info><tr2:Codec><tr2:Encoding>H264</tr2:Encoding><tr2:Number>1</tr2:Number></tr2:Codec>' +
          '<tr2:Total>1</tr2:Total></tr2:Info>'
        );
      },
      GetStreamUri: (call) => this.#streamUri(call),
      GetSnapshotUri: (call) => {
        throw notImplemented(call.operation);
      },
      SetSynchronizationPoint: (call) => {
        this.#profileOf(call);
        return '';
      },
      CreateProfile: () => {
        throw new OnvifFault(
          'Receiver',
          ['ter:Action', 'ter:MaxNVTProfiles'],
          'Profiles are fixed: one for each camera',
        );
      },
      DeleteProfile: (call) => {
        channelAt(facts.device, 'profile', textAt(call.body, 'Token'));
        throw new OnvifFault('Sender', ['ter:Action', 'ter:DeletionOfFixedProfile'], 'The profile is fixed');
      },
      AddConfiguration: (call) => this.#addConfiguration(call),
      RemoveConfiguration: (call) => {
        this.#profileOf(call);
        throw conflict();
      },
      ...Object.fromEntries(emptyLists.map((name) => [name, ignored])),
    };
  }

  #profiles({ body }: ServiceCall): string {
    const token = textAt(body, 'Token');
    const types = new Set(body.children.filter(({ name }) => name === 'Type').map(({ text }) => text));
    const { device } = this.#facts;
    const asked = token === '' ? channelsOf(device) : [channelAt(device, 'profile', token)];
    return asked.map((placed) => this.#profile(placed, types)).join('');
  }

  /** Without types there are no configurations, only the profile's name. */
  #profile(placed: PlacedChannel, types: ReadonlySet<string>): string {
    const all = types.has('All');
    const facts = this.#facts;
    const source = all || types.has('VideoSource') ? sourceConfigurationXml('tr2:VideoSource', facts, placed) : '';
    const encoder = all || types.has('VideoEncoder') ? encoder2Xml('tr2:VideoEncoder', facts, placed) : '';
    const configurations = types.size === 0 ? '' : `<tr2:Configurations>${source}${encoder}</tr2:Configurations>`;
    return (
      `<tr2:Profiles token="${tokenOf('profile', placed.slot)}" fixed="true">` +
      `<tr2:Name>${nameXml(placed.channel.name)}</tr2:Name>${configurations}</tr2:Profiles>`
    );
  }

  #streamUri(call: ServiceCall): string {
    const placed = this.#profileOf(call);
    const protocol = textAt(call.body, 'Protocol');
    const tunnelled = protocol === 'RtspOverHttp';
    if (!tunnelled && !rtspTransports.has(protocol))
      throw unavailableTransport(/Multicast$/.test(protocol) ? 'multicast' : 'such transport');
    return `<tr2:Uri>${escapeXml(streamUri(this.#facts, placed, call.origin, tunnelled))}</tr2:Uri>`;
  }

  /** What a profile has already may be added again; a new name and anything else may not. */
  #addConfiguration(call: ServiceCall): string {
    const { slot } = this.#profileOf(call);
    for (const configuration of call.body.children.filter(({ name }) => name === 'Configuration')) {
      const type = textAt(configuration, 'Type');
      const token = textAt(configuration, 'Token');
      if (type === 'All') continue;
      const kind = kinds.get(type);
      if (kind === undefined)
        throw new OnvifFault('Sender', ['ter:InvalidArgVal', 'ter:NoConfig'], 'There is no such configuration');
      if (channelAt(this.#facts.device, kind, token).slot !== slot) throw conflict();
    }
    return '';
  }

  #profileOf(call: ServiceCall): PlacedChannel {
    return channelAt(this.#facts.device, 'profile', textAt(call.body, 'ProfileToken'));
  }
}

const kinds: ReadonlyMap<string, TokenKind> = new Map([
  ['VideoSource', 'sourceConfiguration'],
  ['VideoEncoder', 'encoder'],
]);
