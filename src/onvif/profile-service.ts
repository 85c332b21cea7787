import type { DeviceFacts } from './device-facts.ts';
import { OnvifFault } from './fault.ts';
import { metadataOptionsXml, sourceOptionsXml } from './media-xml.ts';
import { ignored, notImplemented, type Operation, OperationService } from './operations.ts';
import type { ServiceCall } from './service.ts';
import { channelAt, channelsOf, type PlacedChannel, type TokenKind } from './tokens.ts';
import { childOf, textAt } from './xml.ts';

/** Lists that are empty because there is no audio and no metadata. */
const emptyLists = [
  'GetAudioSourceConfigurations',
  'GetAudioEncoderConfigurations',
  'GetAudioOutputConfigurations',
  'GetAudioDecoderConfigurations',
  'GetMetadataConfigurations',
] as const;

/** What both media services have: a profile for each camera, fixed, so that recorders find it as it was. */
export abstract class ProfileService extends OperationService {
  protected readonly facts: DeviceFacts;

  /** Like `ignored`, of a profile whose token is checked. */
  protected readonly ignoredOfProfile: Operation = (call) => {
    this.profileOf(call);
    return '';
  };

  /** Would take a configuration of ours from a profile. */
  protected readonly remove: Operation = (call) => {
    this.profileOf(call);
    throw conflict();
  };

  constructor(prefix: 'trt' | 'tr2', facts: DeviceFacts) {
    super(prefix);
    this.facts = facts;
  }

  protected override table(): Record<string, Operation> {
    const options = `${this.prefix}:Options`;
    return {
      SetVideoSourceConfiguration: (call) => this.#set('sourceConfiguration', call),
      SetVideoEncoderConfiguration: (call) => this.#set('encoder', call),
      GetVideoSourceConfigurationOptions: (call) =>
        sourceOptionsXml(options, this.facts, this.asked('sourceConfiguration', call)),
      GetMetadataConfigurationOptions: () => `<${options}>${metadataOptionsXml}</${options}>`,
      GetSnapshotUri: (call) => {
        throw notImplemented(call.operation);
      },
      // Publishers cannot be asked for a keyframe over RTMP; readers get one with the next.
      SetSynchronizationPoint: this.ignoredOfProfile,
      CreateProfile: () => {
        const reason = 'Profiles are fixed: one for each camera';
        throw new OnvifFault('Receiver', ['ter:Action', 'ter:MaxNVTProfiles'], reason);
      },
      ...Object.fromEntries(emptyLists.map((name) => [name, ignored])),
    };
  }

  protected deleteProfile(token: string): never {
    channelAt(this.facts.device, 'profile', token);
    throw new OnvifFault('Sender', ['ter:Action', 'ter:DeletionOfFixedProfile'], 'The profile is fixed');
  }

  protected named(kind: TokenKind, call: ServiceCall, element: string): PlacedChannel {
    return channelAt(this.facts.device, kind, textAt(call.body, element));
  }

  protected profileOf(call: ServiceCall): PlacedChannel {
    return this.named('profile', call, 'ProfileToken');
  }

  /** The channel that the tokens of a request name, or all channels if it has none. */
  protected asked(kind: TokenKind, call: ServiceCall): readonly PlacedChannel[] {
    if (textAt(call.body, 'ConfigurationToken') !== '') return [this.named(kind, call, 'ConfigurationToken')];
    if (textAt(call.body, 'ProfileToken') !== '') return [this.profileOf(call)];
    return channelsOf(this.facts.device);
  }

  #set(kind: TokenKind, { body }: ServiceCall): string {
    channelAt(this.facts.device, kind, childOf(body, 'Configuration')?.attributes.get('token') ?? '');
    return '';
  }
}

/** The profile cannot be changed like that. */
export function conflict(): OnvifFault {
  return new OnvifFault('Receiver', ['ter:Action', 'ter:ConfigurationConflict'], 'The profile is fixed');
}

/** The configuration that is to be added to a profile is none of ours. */
export function noConfiguration(): OnvifFault {
  return new OnvifFault('Sender', ['ter:InvalidArgVal', 'ter:NoConfig'], 'There is no such configuration');
}
