import type { DeviceFacts } from './device-facts.ts';
import { OnvifFault } from './fault.ts';
import {
  encoderOptionsXml,
  encoderXml,
  metadataOptionsXml,
  nameXml,
  sourceConfigurationXml,
  sourceOptionsXml,
  videoSourceXml,
} from './media-xml.ts';
import { ignored, notImplemented, type Operation, OperationService } from './operations.ts';
import type { ServiceCall } from './service.ts';
import { streamUri, unavailableTransport } from './stream-uri.ts';
import { channelAt, channelsOf, type PlacedChannel, type TokenKind, tokenOf } from './tokens.ts';
import { childOf, escapeXml, textAt } from './xml.ts';

/** Transports of tt:TransportProtocol that RTSP on its own port serves; TCP is an old name for what nobody ever defined. */
const rtspTransports: ReadonlySet<string> = new Set(['UDP', 'RTSP', 'TCP']);

/** Lists that are empty because there is no audio, no analytics, no PTZ and no metadata. */
const emptyLists = [
  'GetAudioSources',
  'GetAudioOutputs',
  'GetAudioSourceConfigurations',
  'GetAudioEncoderConfigurations',
  'GetAudioOutputConfigurations',
  'GetAudioDecoderConfigurations',
  'GetMetadataConfigurations',
  'GetVideoAnalyticsConfigurations',
] as const;

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
export class MediaService extends OperationService {
  readonly #facts: DeviceFacts;

  constructor(facts: DeviceFacts) {
    super('trt');
    this.#facts = facts;
  }

  protected override table(): Record<string, Operation> {
    const facts = this.#facts;
    const configurations = (kind: TokenKind, xml: typeof encoderXml) => ({
      one: (call: ServiceCall) => xml('trt:Configuration', facts, this.#named(kind, call, 'ConfigurationToken')),
      all: () => this.#each((placed) => xml('trt:Configurations', facts, placed)),
      compatible: (call: ServiceCall) => xml('trt:Configurations', facts, this.#named('profile', call, 'ProfileToken')),
      set: (call: ServiceCall) => {
        channelAt(facts.device, kind, childOf(call.body, 'Configuration')?.attributes.get('token') ?? '');
        return '';
      },
    });
    const source = configurations('sourceConfiguration', sourceConfigurationXml);
    const encoder = configurations('encoder', encoderXml);
    return {
      GetServiceCapabilities: () => mediaCapabilitiesXml('trt:Capabilities', facts),
      GetVideoSources: () => this.#each((placed) => videoSourceXml(facts, placed)),
      GetProfiles: () => this.#each((placed) => this.#profile('trt:Profiles', placed)),
      GetProfile: (call) => this.#profile('trt:Profile', this.#named('profile', call, 'ProfileToken')),
      GetVideoSourceConfigurations: source.all,
      GetVideoSourceConfiguration: source.one,
      GetCompatibleVideoSourceConfigurations: source.compatible,
      SetVideoSourceConfiguration: source.set,
      GetVideoSourceConfigurationOptions: (call) =>
        sourceOptionsXml('trt:Options', facts, this.#asked('sourceConfiguration', call)),
      GetVideoEncoderConfigurations: encoder.all,
      GetVideoEncoderConfiguration: encoder.one,
      GetCompatibleVideoEncoderConfigurations: encoder.compatible,
      SetVideoEncoderConfiguration: encoder.set,
      GetVideoEncoderConfigurationOptions: (call) =>
        encoderOptionsXml('trt:Options', facts, this.#asked('encoder', call)),
      GetGuaranteedNumberOfVideoEncoderInstances: (call) => {
        this.#named('sourceConfiguration', call, 'ConfigurationToken');
        return '<trt:TotalNumber>1</trt:TotalNumber><trt:H264>1</trt:H264>';
      },
      GetMetadataConfigurationOptions: () => `<trt:Options>${metadataOptionsXml}</trt:Options>`,
      GetStreamUri: (call) => this.#streamUri(call),
      GetSnapshotUri: (call) => {
        throw notImplemented(call.operation);
      },
      SetSynchronizationPoint: (call) => {
        // Publishers cannot be asked for a keyframe over RTMP; readers get one with the next.
        this.#named('profile', call, 'ProfileToken');
        return '';
      },
      ...Object.fromEntries(emptyLists.map((name) => [name, ignored])),
      ...Object.fromEntries(emptyCompatibleLists.map((name) => [name, this.#emptyOfProfile])),
      ...this.#profileOperations(),
    };
  }

  /** What would change a profile. Ours are fixed, so that recorders find them as they were. */
  #profileOperations(): Record<string, Operation> {
    const facts = this.#facts;
    const addOwn =
      (kind: TokenKind): Operation =>
      (call) => {
        const { slot } = this.#named('profile', call, 'ProfileToken');
        if (this.#named(kind, call, 'ConfigurationToken').slot !== slot) throw conflict();
        return '';
      };
    const removeOwn: Operation = (call) => {
      this.#named('profile', call, 'ProfileToken');
      throw conflict();
    };
    const foreign = foreignParts.flatMap((part): [string, Operation][] => [
      [
        `Add${part}Configuration`,
        (call) => {
          this.#named('profile', call, 'ProfileToken');
          throw new OnvifFault('Sender', ['ter:InvalidArgVal', 'ter:NoConfig'], 'There is no such configuration');
        },
      ],
      [`Remove${part}Configuration`, this.#emptyOfProfile],
    ]);
    return {
      CreateProfile: () => {
        throw new OnvifFault(
          'Receiver',
          ['ter:Action', 'ter:MaxNVTProfiles'],
          'Profiles are fixed: one for each camera',
        );
      },
      DeleteProfile: (call) => {
        channelAt(facts.device, 'profile', textAt(call.body, 'ProfileToken'));
        throw new OnvifFault('Sender', ['ter:Action', 'ter:DeletionOfFixedProfile'], 'The profile is fixed');
      },
      AddVideoSourceConfiguration: addOwn('sourceConfiguration'),
      AddVideoEncoderConfiguration: addOwn('encoder'),
      RemoveVideoSourceConfiguration: removeOwn,
      RemoveVideoEncoderConfiguration: removeOwn,
      ...Object.fromEntries(foreign),
    };
  }

  readonly #emptyOfProfile: Operation = (call) => {
    this.#named('profile', call, 'ProfileToken');
    return '';
  };

  #profile(tag: string, placed: PlacedChannel): string {
    return (
      `<${tag} token="${tokenOf('profile', placed.slot)}" fixed="true"><tt:Name>${nameXml(placed.channel.name)}</tt:Name>` +
      sourceConfigurationXml('tt:VideoSourceConfiguration', this.#facts, placed) +
      `${encoderXml('tt:VideoEncoderConfiguration', this.#facts, placed)}</${tag}>`
    );
  }

  #streamUri(call: ServiceCall): string {
    const placed = this.#named('profile', call, 'ProfileToken');
    const stream = textAt(call.body, 'StreamSetup', 'Stream');
    const protocol = textAt(call.body, 'StreamSetup', 'Transport', 'Protocol');
    if (stream === 'RTP-Multicast') throw unavailableTransport('multicast');
    if (protocol !== 'HTTP' && !rtspTransports.has(protocol)) throw unavailableTransport('such transport');
    const uri = streamUri(this.#facts, placed, call.origin, protocol === 'HTTP');
    return (
      `<trt:MediaUri><tt:Uri>${escapeXml(uri)}</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect>` +
      '<tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri>'
    );
  }

  #each(xml: (placed: PlacedChannel) => string): string {
    return channelsOf(this.#facts.device).map(xml).join('');
  }

  #named(kind: TokenKind, call: ServiceCall, element: string): PlacedChannel {
    return channelAt(this.#facts.device, kind, textAt(call.body, element));
  }

  /** The channels that a request for options is about: that of its token, or all. */
  #asked(kind: TokenKind, call: ServiceCall): readonly PlacedChannel[] {
    return askedChannels(this.#facts, kind, call);
  }
}

/** The channel that the tokens of a request name, or all channels if it has none. */
export function askedChannels(facts: DeviceFacts, kind: TokenKind, { body }: ServiceCall): readonly PlacedChannel[] {
  const configuration = textAt(body, 'ConfigurationToken');
  if (configuration !== '') return [channelAt(facts.device, kind, configuration)];
  const profile = textAt(body, 'ProfileToken');
  if (profile !== '') return [channelAt(facts.device, 'profile', profile)];
  return channelsOf(facts.device);
}

/** The profile cannot be changed like that. */
export function conflict(): OnvifFault {
  return new OnvifFault('Receiver', ['ter:Action', 'ter:ConfigurationConflict'], 'The profile is fixed');
}
