import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceService } from '../../src/onvif/device-service.ts';
import { MediaService } from '../../src/onvif/media-service.ts';
import { Media2Service } from '../../src/onvif/media2-service.ts';
import { namespaces } from '../../src/onvif/namespaces.ts';
import { faultCodes, OnvifDialogue } from '../support/onvif-dialogue.ts';
import { liveVideo } from '../support/onvif-peer.ts';
import { assertModel } from '../support/onvif-schema.ts';

const profile = (prefix: string) => `<${prefix}:ProfileToken>Profile_2</${prefix}:ProfileToken>`;
const configuration = (prefix: string, kind: string) =>
  `<${prefix}:ConfigurationToken>${kind}_2</${prefix}:ConfigurationToken>`;
const setup = (protocol: string) =>
  `<trt:StreamSetup><tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>${protocol}</tt:Protocol></tt:Transport></trt:StreamSetup>`;
const set = (prefix: string, kind: string) => `<${prefix}:Configuration token="${kind}_2"/>`;
const type = '<tr2:Type>All</tr2:Type>';

/** Each operation: the content of the request, and the model of the answer's content. A model of `!` names a fault. */
const operations: readonly (readonly [operation: string, content: string, model: string])[] = [
  ['tds:GetServices', '<tds:IncludeCapability>true</tds:IncludeCapability>', 'Service:Service+'],
  ['tds:GetServices', '<tds:IncludeCapability>false</tds:IncludeCapability>', 'Service:Service+'],
  ['tds:GetCapabilities', '', 'Capabilities:Capabilities'],
  ['tds:GetCapabilities', '<tds:Category>Media</tds:Category>', 'Capabilities:Capabilities'],
  ['tds:GetCapabilities', '<tds:Category>PTZ</tds:Category>', '!Receiver ter:ActionNotSupported ter:NoSuchService'],
  ['tds:GetServiceCapabilities', '', 'Capabilities:DeviceServiceCapabilities'],
  ['tds:GetDeviceInformation', '', 'Manufacturer Model FirmwareVersion SerialNumber HardwareId'],
  ['tds:GetSystemDateAndTime', '', 'SystemDateAndTime:SystemDateTime'],
  ['tds:GetNetworkInterfaces', '', 'NetworkInterfaces:NetworkInterface+'],
  ['tds:GetNetworkProtocols', '', 'NetworkProtocols:NetworkProtocol*'],
  ['tds:SetNetworkProtocols', '', ''],
  ['tds:GetScopes', '', 'Scopes:Scope+'],
  ['tds:SetScopes', '', ''],
  ['tds:GetHostname', '', 'HostnameInformation:HostnameInformation'],
  ['tds:GetDNS', '', 'DNSInformation:DNSInformation'],
  ['tds:GetNTP', '', 'NTPInformation:NTPInformation'],
  ['tds:GetNetworkDefaultGateway', '', 'NetworkGateway:NetworkGateway'],
  ['tds:GetDiscoveryMode', '', 'DiscoveryMode'],
  ['tds:GetUsers', '', 'User:User*'],
  ['tds:GetWsdlUrl', '', 'WsdlUrl'],
  ['tds:GetEndpointReference', '', 'GUID'],
  ['tds:GetRelayOutputs', '', 'RelayOutputs*'],
  ['tds:SystemReboot', '', '!Receiver ter:ActionNotSupported'],
  ['tds:SetSystemFactoryDefault', '', '!Receiver ter:ActionNotSupported'],
  ['tds:CreateUsers', '', '!Receiver ter:ActionNotSupported'],

  ['trt:GetServiceCapabilities', '', 'Capabilities:MediaServiceCapabilities'],
  ['trt:GetVideoSources', '', 'VideoSources:VideoSource*'],
  ['trt:GetProfiles', '', 'Profiles:Profile*'],
  ['trt:GetProfile', profile('trt'), 'Profile:Profile'],
  ['trt:GetProfile', '<trt:ProfileToken>Profile_17</trt:ProfileToken>', '!Sender ter:InvalidArgVal ter:NoProfile'],
  ['trt:GetVideoSourceConfigurations', '', 'Configurations:VideoSourceConfiguration*'],
  [
    'trt:GetVideoSourceConfiguration',
    configuration('trt', 'VideoSourceConfiguration'),
    'Configuration:VideoSourceConfiguration',
  ],
  ['trt:GetCompatibleVideoSourceConfigurations', profile('trt'), 'Configurations:VideoSourceConfiguration*'],
  ['trt:SetVideoSourceConfiguration', set('trt', 'VideoSourceConfiguration'), ''],
  ['trt:GetVideoSourceConfigurationOptions', '', 'Options:VideoSourceConfigurationOptions'],
  ['trt:GetVideoSourceConfigurationOptions', profile('trt'), 'Options:VideoSourceConfigurationOptions'],
  ['trt:GetVideoEncoderConfigurations', '', 'Configurations:VideoEncoderConfiguration*'],
  ['trt:GetVideoEncoderConfiguration', configuration('trt', 'VideoEncoder'), 'Configuration:VideoEncoderConfiguration'],
  ['trt:GetVideoEncoderConfiguration', '', '!Sender ter:InvalidArgVal ter:NoConfig'],
  ['trt:GetCompatibleVideoEncoderConfigurations', profile('trt'), 'Configurations:VideoEncoderConfiguration*'],
  ['trt:SetVideoEncoderConfiguration', set('trt', 'VideoEncoder'), ''],
  ['trt:SetVideoEncoderConfiguration', set('trt', 'AudioEncoder'), '!Sender ter:InvalidArgVal ter:NoConfig'],
  ['trt:GetVideoEncoderConfigurationOptions', '', 'Options:VideoEncoderConfigurationOptions'],
  ['trt:GetVideoEncoderConfigurationOptions', profile('trt'), 'Options:VideoEncoderConfigurationOptions'],
  [
    'trt:GetGuaranteedNumberOfVideoEncoderInstances',
    configuration('trt', 'VideoSourceConfiguration'),
    'TotalNumber JPEG? H264? MPEG4?',
  ],
  ['trt:GetMetadataConfigurations', '', 'Configurations*'],
  ['trt:GetMetadataConfigurationOptions', '', 'Options:MetadataConfigurationOptions'],
  ['trt:GetAudioSources', '', 'AudioSources*'],
  ['trt:GetAudioOutputs', '', 'AudioOutputs*'],
  ['trt:GetAudioSourceConfigurations', '', 'Configurations*'],
  ['trt:GetAudioEncoderConfigurations', '', 'Configurations*'],
  ['trt:GetAudioOutputConfigurations', '', 'Configurations*'],
  ['trt:GetAudioDecoderConfigurations', '', 'Configurations*'],
  ['trt:GetVideoAnalyticsConfigurations', '', 'Configurations*'],
  ['trt:GetCompatibleAudioSourceConfigurations', profile('trt'), 'Configurations*'],
  ['trt:GetCompatibleAudioEncoderConfigurations', profile('trt'), 'Configurations*'],
  ['trt:GetCompatibleAudioOutputConfigurations', profile('trt'), 'Configurations*'],
  ['trt:GetCompatibleAudioDecoderConfigurations', profile('trt'), 'Configurations*'],
  ['trt:GetCompatibleMetadataConfigurations', profile('trt'), 'Configurations*'],
  ['trt:GetCompatibleVideoAnalyticsConfigurations', profile('trt'), 'Configurations*'],
  ['trt:GetStreamUri', `${setup('RTSP')}${profile('trt')}`, 'MediaUri:MediaUri'],
  ['trt:GetStreamUri', `${setup('SCTP')}${profile('trt')}`, '!Sender ter:InvalidArgVal ter:InvalidStreamSetup'],
  [
    'trt:GetStreamUri',
    `${setup('UDP').replace('Unicast', 'Multicast')}${profile('trt')}`,
    '!Sender ter:InvalidArgVal ter:InvalidStreamSetup',
  ],
  ['trt:GetSnapshotUri', profile('trt'), '!Receiver ter:ActionNotSupported'],
  ['trt:SetSynchronizationPoint', profile('trt'), ''],
  ['trt:CreateProfile', '<trt:Name>mine</trt:Name>', '!Receiver ter:Action ter:MaxNVTProfiles'],
  ['trt:DeleteProfile', profile('trt'), '!Sender ter:Action ter:DeletionOfFixedProfile'],
  ['trt:AddVideoSourceConfiguration', profile('trt') + configuration('trt', 'VideoSourceConfiguration'), ''],
  ['trt:AddVideoEncoderConfiguration', profile('trt') + configuration('trt', 'VideoEncoder'), ''],
  [
    'trt:AddVideoEncoderConfiguration',
    `${profile('trt')}<trt:ConfigurationToken>VideoEncoder_1</trt:ConfigurationToken>`,
    '!Receiver ter:Action ter:ConfigurationConflict',
  ],
  ['trt:RemoveVideoSourceConfiguration', profile('trt'), '!Receiver ter:Action ter:ConfigurationConflict'],
  ['trt:RemoveVideoEncoderConfiguration', profile('trt'), '!Receiver ter:Action ter:ConfigurationConflict'],
  ...['AudioSource', 'AudioEncoder', 'AudioOutput', 'AudioDecoder', 'Metadata', 'PTZ', 'VideoAnalytics'].flatMap(
    (part): (readonly [string, string, string])[] => [
      [`trt:Add${part}Configuration`, profile('trt'), '!Sender ter:InvalidArgVal ter:NoConfig'],
      [`trt:Remove${part}Configuration`, profile('trt'), ''],
    ],
  ),

  ['tr2:GetServiceCapabilities', '', 'Capabilities:MediaServiceCapabilities'],
  ['tr2:GetProfiles', type, 'Profiles:MediaProfile*'],
  ['tr2:GetProfiles', `<tr2:Token>Profile_2</tr2:Token>`, 'Profiles:MediaProfile'],
  ['tr2:GetVideoSourceConfigurations', '', 'Configurations:VideoSourceConfiguration*'],
  ['tr2:GetVideoEncoderConfigurations', profile('tr2'), 'Configurations:VideoEncoder2Configuration'],
  ['tr2:SetVideoSourceConfiguration', set('tr2', 'VideoSourceConfiguration'), ''],
  ['tr2:SetVideoEncoderConfiguration', set('tr2', 'VideoEncoder'), ''],
  ['tr2:GetVideoSourceConfigurationOptions', '', 'Options:VideoSourceConfigurationOptions'],
  ['tr2:GetVideoEncoderConfigurationOptions', '', 'Options:VideoEncoder2ConfigurationOptions+'],
  ['tr2:GetMetadataConfigurations', '', 'Configurations*'],
  ['tr2:GetMetadataConfigurationOptions', '', 'Options:MetadataConfigurationOptions'],
  ['tr2:GetAudioSourceConfigurations', '', 'Configurations*'],
  ['tr2:GetAudioEncoderConfigurations', '', 'Configurations*'],
  ['tr2:GetAudioOutputConfigurations', '', 'Configurations*'],
  ['tr2:GetAudioDecoderConfigurations', '', 'Configurations*'],
  ['tr2:GetAnalyticsConfigurations', '', 'Configurations*'],
  ['tr2:GetVideoEncoderInstances', configuration('tr2', 'VideoSourceConfiguration'), 'Info:EncoderInstanceInfo'],
  ['tr2:GetStreamUri', `<tr2:Protocol>RtspUnicast</tr2:Protocol>${profile('tr2')}`, 'Uri'],
  [
    'tr2:GetStreamUri',
    `<tr2:Protocol>RtspMulticast</tr2:Protocol>${profile('tr2')}`,
    '!Sender ter:InvalidArgVal ter:InvalidStreamSetup',
  ],
  ['tr2:GetSnapshotUri', profile('tr2'), '!Receiver ter:ActionNotSupported'],
  ['tr2:SetSynchronizationPoint', profile('tr2'), ''],
  ['tr2:CreateProfile', '<tr2:Name>mine</tr2:Name>', '!Receiver ter:Action ter:MaxNVTProfiles'],
  ['tr2:DeleteProfile', '<tr2:Token>Profile_1</tr2:Token>', '!Sender ter:Action ter:DeletionOfFixedProfile'],
  ['tr2:AddConfiguration', profile('tr2'), ''],
  [
    'tr2:AddConfiguration',
    `${profile('tr2')}<tr2:Configuration><tr2:Type>Metadata</tr2:Type><tr2:Token>x</tr2:Token></tr2:Configuration>`,
    '!Sender ter:InvalidArgVal ter:NoConfig',
  ],
  ['tr2:RemoveConfiguration', profile('tr2'), '!Receiver ter:Action ter:ConfigurationConflict'],
];

for (const [operation, content, model] of operations) {
  test(`${operation}(${content.replace(/<[^>]*>/g, ' ').trim()}) answers as its WSDL says`, () => {
    const dialogue = new OnvifDialogue({ video: (camera) => ({ ...liveVideo, fps: camera }) });
    const [prefix = '', name = ''] = operation.split(':');
    const answer = dialogue.ask(`<${operation}>${content}</${operation}>`);
    if (model.startsWith('!')) {
      assert.equal(answer.name, 'Fault');
      assert.deepEqual(faultCodes(answer), model.slice(1).split(' '));
      return;
    }
    assert.equal(answer.name, `${name}Response`);
    assert.equal(answer.namespace, namespaces[prefix as keyof typeof namespaces]);
    assertModel(answer, model);
  });
}

test('every operation of ours is in the table', () => {
  const tested = new Set(operations.map(([operation]) => operation));
  const facts = {} as never;
  const services = {
    tds: new DeviceService(facts, false),
    trt: new MediaService(facts),
    tr2: new Media2Service(facts),
  };
  for (const [prefix, service] of Object.entries(services))
    for (const name of service.operations) assert.ok(tested.has(`${prefix}:${name}`), `${prefix}:${name}`);
});
