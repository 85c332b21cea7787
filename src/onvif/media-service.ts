import type { DeviceFacts } from './device-facts.ts';
import { encoderOptionsXml, encoderXml, nameXml, sourceConfigurationXml, videoSourceXml } from './media-xml.ts';
import { ignored, type Operation } from './operations.ts';
import { conflict, noConfiguration, ProfileService } from './profile-service.ts';
import type { ServiceCall } from './service.ts';
import { streamUri, unavailableTransport } from './stream-uri.ts';
import { channelsOf, type PlacedChannel, type TokenKind, tokenOf } from './tokens.ts';
import { escapeXml, textAt } from './xml.ts';

/** Transports of tt:TransportProtocol that RTSP on its own port serves; TCP is an old name for what nobody ever defined. */
const rtspTransports: ReadonlySet<string> = new Set(['UDP', 'RTSP', 'TCP']);

/** Lists that are empty as well: there is no audio, no analytics and no PTZ. */
const emptyLists = ['GetAudioSources', 'GetAudioOutputs', 'GetVideoAnalyticsConfigurations'] as const;

/** The same for one profile, whose token is checked. */
const emptyCompatibleLists = [
  'GetCompatibleAudioSourceConfigurations',
  'GetCompatibleAudioEncoderConfigurations',
  'GetCompatibleAudioOutputConfigurations',
  'GetCompatibleAudioDecoderConfigurations',
  'GetCompatibleMetadataConfigurations',
  'GetCompatibleVideoAnalyticsConfigurations',
] as const;

/** Parts of a profile that none of ours can have. */
const foreignParts = [
  'AudioSource',
  'AudioEncoder',
  'AudioOutput',
  'AudioDecoder',
  'Metadata',
  'PTZ',
  'VideoAnalytics',
] as const;

/** trt:Capabilities; also what GetServices tells of this service. */
export function mediaCapabilitiesXml(tag: string, facts: DeviceFacts): string {
  return (
    `<${tag} SnapshotUri="false" Rotation="false" VideoSourceMode="false" OSD="false" EXICompression="false">` +
    `<trt:ProfileCapabilities MaximumNumberOfProfiles="${channelsOf(facts.device).length}"/>` +
    `<trt:StreamingCapabilities RTPMulticast="false" RTP_TCP="true" RTP_RTSP_TCP="true" NonAggregateControl="false"/></${tag}>`
  );
}

/** The media service (ONVIF Media): a fixed profile for each camera, whose configurations tell what its publisher sends. */
export class MediaService extends ProfileService {
  constructor(facts: DeviceFacts) {
    super('trt', facts);
  }

  protected override table(): Record<string, Operation> {
    const { facts } = this;
    const configurations = (kind: TokenKind, xml: typeof encoderXml) => ({
      one: (call: ServiceCall) => xml('trt:Configuration', facts, this.named(kind, call, 'ConfigurationToken')),
      all: () => this.#each((placed) => xml('trt:Configurations', facts, placed)),
      compatible: (call: ServiceCall) => xml('trt:Configurations', facts, this.profileOf(call)),
    });
    const source = configurations('sourceConfiguration', sourceConfigurationXml);
    const encoder = configurations('encoder', encoderXml);
    return {
      ...super.table(),
      GetServiceCapabilities: () => mediaCapabilitiesXml('trt:Capabilities', facts),
      GetVideoSources: () => this.#each((placed) => videoSourceXml(facts, placed)),
      GetProfiles: () => this.#each((placed) => this.#profile('trt:Profiles', placed)),
      GetProfile: (call) => this.#profile('trt:Profile', this.profileOf(call)),
      GetVideoSourceConfigurations: source.all,
      GetVideoSourceConfiguration: source.one,
      GetCompatibleVideoSourceConfigurations: source.compatible,
      GetVideoEncoderConfigurations: encoder.all,
      GetVideoEncoderConfiguration: encoder.one,
      GetCompatibleVideoEncoderConfigurations: encoder.compatible,
      GetVideoEncoderConfigurationOptions: (call) =>
        encoderOptionsXml('trt:Options', facts, this.asked('encoder', call)),
      GetGuaranteedNumberOfVideoEncoderInstances: (call) => {
        this.named('sourceConfiguration', call, 'ConfigurationToken');
        return '<trt:TotalNumber>1</trt:TotalNumber><trt:H264>1</trt:H264>';
      },
      GetStreamUri: (call) => this.#streamUri(call),
      ...Object.fromEntries(emptyLists.map((name) => [name, ignored])),
      ...Object.fromEntries(emptyCompatibleLists.map((name) => [name, this.ignoredOfProfile])),
      ...this.#profileOperations(),
    };
  }

  /** What would change a profile. */
  #profileOperations(): Record<string, Operation> {
    const addOwn =
      (kind: TokenKind): Operation =>
      (call) => {
        const { slot } = this.profileOf(call);
        if (this.named(kind, call, 'ConfigurationToken').slot !== slot) throw conflict();
        return '';
      };
    const foreign = foreignParts.flatMap((part): [string, Operation][] => [
      [
        `Add${part}Configuration`,
        (call) => {
          this.profileOf(call);
          throw noConfiguration();
        },
      ],
      [`Remove${part}Configuration`, this.ignoredOfProfile],
    ]);
    return {
      DeleteProfile: ({ body }) => this.deleteProfile(textAt(body, 'ProfileToken')),
      AddVideoSourceConfiguration: addOwn('sourceConfiguration'),
      AddVideoEncoderConfiguration: addOwn('encoder'),
      RemoveVideoSourceConfiguration: this.remove,
      RemoveVideoEncoderConfiguration: this.remove,
      ...Object.fromEntries(foreign),
    };
  }

  #profile(tag: string, placed: PlacedChannel): string {
    return (
      `<${tag} token="${tokenOf('profile', placed.slot)}" fixed="true"><tt:Name>${nameXml(placed.channel.name)}</tt:Name>` +
      sourceConfigurationXml('tt:VideoSourceConfiguration', this.facts, placed) +
      `${encoderXml('tt:VideoEncoderConfiguration', this.facts, placed)}</${tag}>`
    );
  }

  #streamUri(call: ServiceCall): string {
    const placed = this.profileOf(call);
    const stream = textAt(call.body, 'StreamSetup', 'Stream');
    const protocol = textAt(call.body, 'StreamSetup', 'Transport', 'Protocol');
    if (stream === 'RTP-Multicast') throw unavailableTransport('multicast');
    if (protocol !== 'HTTP' && !rtspTransports.has(protocol)) throw unavailableTransport('such transport');
    const uri = streamUri(this.facts, placed, call.origin, protocol === 'HTTP');
    return (
      `<trt:MediaUri><tt:Uri>${escapeXml(uri)}</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect>` +
      '<tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri>'
    );
  }

  #each(xml: (placed: PlacedChannel) => string): string {
    return channelsOf(this.facts.device).map(xml).join('');
  }
}
