import type { DeviceFacts } from './device-facts.ts';
import { type ShownVideo, shownVideo } from './shown-video.ts';
import { channelsOf, type PlacedChannel, tokenOf } from './tokens.ts';
import { escapeXml } from './xml.ts';

/** Characters of tt:Name. */
const nameCharacters = 64;

/** Ranges that the options tell. Nothing in them takes effect: whatever is chosen, the publisher's stream is shown. */
const ranges = { fps: 60, kbps: 50_000, gop: 600 } as const;

/** Session timeout of RTSP, as the RTSP server announces it. */
const sessionTimeout = 'PT60S';

export function videoOf(facts: DeviceFacts, { channel }: PlacedChannel): ShownVideo {
  return shownVideo(facts.video(channel.camera));
}

/** A name as tt:Name takes it, escaped. */
export function nameXml(name: string): string {
  return escapeXml([...name].slice(0, nameCharacters).join(''));
}

export function resolutionXml(tag: string, width: number, height: number): string {
  return `<tt:${tag}><tt:Width>${width}</tt:Width><tt:Height>${height}</tt:Height></tt:${tag}>`;
}

export function rangeXml(tag: string, from: number, to: number): string {
  return `<tt:${tag}><tt:Min>${from}</tt:Min><tt:Max>${to}</tt:Max></tt:${tag}>`;
}

/** tt:VideoSource. */
export function videoSourceXml(facts: DeviceFacts, placed: PlacedChannel): string {
  const { width, height, fps } = videoOf(facts, placed);
  return (
    `<trt:VideoSources token="${tokenOf('source', placed.slot)}"><tt:Framerate>${fps}</tt:Framerate>` +
    `${resolutionXml('Resolution', width, height)}</trt:VideoSources>`
  );
}

/** tt:VideoSourceConfiguration in an element of that name; its bounds are the whole picture. */
export function sourceConfigurationXml(tag: string, facts: DeviceFacts, placed: PlacedChannel): string {
  const { width, height } = videoOf(facts, placed);
  return (
    `<${tag} token="${tokenOf('sourceConfiguration', placed.slot)}"><tt:Name>${nameXml(placed.channel.name)}</tt:Name>` +
    `<tt:UseCount>1</tt:UseCount><tt:SourceToken>${tokenOf('source', placed.slot)}</tt:SourceToken>` +
    `<tt:Bounds x="0" y="0" width="${width}" height="${height}"/></${tag}>`
  );
}

/** tt:VideoSourceConfigurationOptions in an element of that name. */
export function sourceOptionsXml(tag: string, facts: DeviceFacts, asked: readonly PlacedChannel[]): string {
  const { width, height } = asked[0] === undefined ? noVideo : videoOf(facts, asked[0]);
  const bounds =
    rangeXml('XRange', 0, 0) +
    rangeXml('YRange', 0, 0) +
    rangeXml('WidthRange', width, width) +
    rangeXml('HeightRange', height, height);
  const tokens = asked.map(
    ({ slot }) => `<tt:VideoSourceTokensAvailable>${tokenOf('source', slot)}</tt:VideoSourceTokensAvailable>`,
  );
  return `<${tag} MaximumNumberOfProfiles="${channelsOf(facts.device).length}"><tt:BoundsRange>${bounds}</tt:BoundsRange>${tokens.join('')}</${tag}>`;
}

/** tt:VideoEncoderConfiguration of Media1 in an element of that name. */
export function encoderXml(tag: string, facts: DeviceFacts, placed: PlacedChannel): string {
  const { width, height, wholeFps, kbps, gop, profile } = videoOf(facts, placed);
  return (
    `<${tag} token="${tokenOf('encoder', placed.slot)}"><tt:Name>${nameXml(placed.channel.name)}</tt:Name>` +
    `<tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding>${resolutionXml('Resolution', width, height)}` +
    `<tt:Quality>1</tt:Quality><tt:RateControl><tt:FrameRateLimit>${wholeFps}</tt:FrameRateLimit>` +
    `<tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>${kbps}</tt:BitrateLimit></tt:RateControl>` +
    `<tt:H264><tt:GovLength>${gop}</tt:GovLength><tt:H264Profile>${profile}</tt:H264Profile></tt:H264>` +
    `${multicastXml}<tt:SessionTimeout>${sessionTimeout}</tt:SessionTimeout></${tag}>`
  );
}

/** tt:VideoEncoderConfigurationOptions of Media1. */
export function encoderOptionsXml(tag: string, facts: DeviceFacts, asked: readonly PlacedChannel[]): string {
  const shown = asked.map((placed) => videoOf(facts, placed));
  const most = mostOf(shown);
  const options =
    resolutionsXml(shown) +
    rangeXml('GovLengthRange', 1, most.gop) +
    rangeXml('FrameRateRange', 1, Math.ceil(most.fps)) +
    rangeXml('EncodingIntervalRange', 1, 1) +
    h264Profiles.map((profile) => `<tt:H264ProfilesSupported>${profile}</tt:H264ProfilesSupported>`).join('');
  return (
    `<${tag}>${rangeXml('QualityRange', 1, 1)}<tt:H264>${options}</tt:H264>` +
    `<tt:Extension><tt:H264>${options}${rangeXml('BitrateRange', 1, most.kbps)}</tt:H264></tt:Extension></${tag}>`
  );
}

/** tt:VideoEncoder2Configuration of Media2. */
export function encoder2Xml(tag: string, facts: DeviceFacts, placed: PlacedChannel): string {
  const { width, height, fps, kbps, gop, profile } = videoOf(facts, placed);
  return (
    `<${tag} token="${tokenOf('encoder', placed.slot)}" GovLength="${gop}" Profile="${profile}">` +
    `<tt:Name>${nameXml(placed.channel.name)}</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding>` +
    `${resolutionXml('Resolution', width, height)}<tt:RateControl ConstantBitRate="false">` +
    `<tt:FrameRateLimit>${fps}</tt:FrameRateLimit><tt:BitrateLimit>${kbps}</tt:BitrateLimit></tt:RateControl>` +
    `${multicastXml}<tt:Quality>1</tt:Quality></${tag}>`
  );
}

/** tt:VideoEncoder2ConfigurationOptions of Media2. */
export function encoder2OptionsXml(tag: string, facts: DeviceFacts, asked: readonly PlacedChannel[]): string {
  const shown = asked.map((placed) => videoOf(facts, placed));
  const most = mostOf(shown);
  const rates = [...new Set([ranges.fps, 50, 30, 25, 15, 10, 5, 1, ...shown.map(({ fps }) => fps)])];
  return (
    `<${tag} GovLengthRange="1 ${most.gop}" FrameRatesSupported="${rates.sort((a, b) => b - a).join(' ')}"` +
    ` ProfilesSupported="${h264Profiles.join(' ')}" ConstantBitRateSupported="false">` +
    `<tt:Encoding>H264</tt:Encoding>${rangeXml('QualityRange', 1, 1)}${resolutionsXml(shown)}` +
    `${rangeXml('BitrateRange', 1, most.kbps)}</${tag}>`
  );
}

/** tt:MetadataConfigurationOptions: there is no metadata stream. */
export const metadataOptionsXml =
  '<tt:PTZStatusFilterOptions><tt:PanTiltStatusSupported>false</tt:PanTiltStatusSupported>' +
  '<tt:ZoomStatusSupported>false</tt:ZoomStatusSupported></tt:PTZStatusFilterOptions>';

const h264Profiles = ['Baseline', 'Main', 'High'] as const;

/** There is no multicast; the element has to be there all the same. */
const multicastXml =
  '<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address>' +
  '<tt:Port>0</tt:Port><tt:TTL>1</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>';

const noVideo = shownVideo({ live: false, width: 0, height: 0, fps: 0, kbps: 0, gop: 0, profile: 0 });

/** The pictures that are shown now, and that of the offline card. */
function resolutionsXml(shown: readonly ShownVideo[]): string {
  const sizes = new Map<string, string>();
  for (const { width, height } of [...shown, noVideo])
    sizes.set(`${width}x${height}`, resolutionXml('ResolutionsAvailable', width, height));
  return [...sizes.values()].join('');
}

function mostOf(shown: readonly ShownVideo[]): { readonly fps: number; readonly kbps: number; readonly gop: number } {
  return {
    fps: Math.max(ranges.fps, ...shown.map(({ fps }) => fps)),
    kbps: Math.max(ranges.kbps, ...shown.map(({ kbps }) => kbps)),
    gop: Math.max(ranges.gop, ...shown.map(({ gop }) => gop)),
  };
}
