import { type CameraPlace, eventGuid, fillTemplate, type HookEvent } from './hook-event.ts';
import type { HookAnswer, Outcome } from './outcome.ts';

/** How a hook fills an Analytics Event. */
export interface AnalyticsForm {
  /** Template of Message: the name that the Analytics Event has in the Management Client. */
  readonly text: string;
  /** Template of Source/Name: what XProtect knows the camera by. */
  readonly source: string;
  /** GUIDs of cameras in XProtect, by lower-case name or path; they win over `source`. */
  readonly cameraIds: ReadonlyMap<string, string>;
}

/**
 * An Analytics Event of Milestone XProtect as XML (namespace urn:milestone-systems), for the event server. It takes the event for
 * the one whose name is the Message; Type, Description and CustomTag are for people and for filters of alarms.
 */
export function analyticsXml(event: HookEvent, place: CameraPlace | null, form: AnalyticsForm): string {
  const { camera, wallMs, reason, detail = {} } = event.record;
  // The path of publishers comes last: on two RTMP ports cameras may share it, that of readers is each one's own.
  const known = camera === null ? [] : [camera.name, camera.rtspPath, camera.path];
  const guid = known.map((name) => form.cameraIds.get(name.toLowerCase())).find((found) => found !== undefined);
  const source =
    guid === undefined
      ? element('Name', camera === null ? 'Skyweir' : fillTemplate(form.source, event, place))
      : `<FQID>${element('ObjectId', guid)}</FQID>`;
  const because = [detail.blame, reason, detail.text].filter((part) => part !== undefined && part !== null);
  const header = [
    element('ID', eventGuid(event.id)),
    element('Timestamp', new Date(wallMs).toISOString()),
    element('Type', event.type),
    element('Message', fillTemplate(form.text, event, place)),
    element('CustomTag', event.id),
    `<Source>${source}</Source>`,
  ];
  const body = [
    `<EventHeader>${header.join('')}</EventHeader>`,
    element('Description', because.join(': ')),
    element('Location', camera?.path ?? detail.path ?? ''),
    `<Vendor>${element('Name', 'Skyweir')}</Vendor>`,
  ];
  return `<?xml version="1.0" encoding="utf-8"?>\n<AnalyticsEvent xmlns="urn:milestone-systems">${body.join('')}</AnalyticsEvent>`;
}

/** The event server answers 200 also to an event that nobody has defined: nothing comes of it, and nothing ever will. */
export function judgeAnalyticsAnswer({ text }: HookAnswer, outcome: Outcome): Outcome {
  if (outcome.result !== 'delivered' || !/message not known/i.test(text)) return outcome;
  return { result: 'refused', detail: 'XProtect has no Analytics Event with this name (Event message not known)' };
}

function element(name: string, text: string): string {
  return `<${name}>${escapeXml(text)}</${name}>`;
}

/** XML 1.0 has no way to write control characters, nor halves of surrogate pairs. */
function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, ' ')
    .replaceAll(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
