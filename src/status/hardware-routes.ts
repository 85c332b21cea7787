import { limits } from '../base/limits.ts';
import type { ConfiguredCamera } from '../config/hardware.ts';
import {
  addCamera,
  addHardware,
  changeCamera,
  changeHardware,
  type EntryChange,
  type NewCamera,
  type NewHardware,
  removeCamera,
  removeHardware,
} from '../config/hardware-edits.ts';
import { changeAnswer, changeAnswers, versionHeader } from './config-routes.ts';
import * as schemas from './config-schemas.ts';
import type { ConfigSource } from './config-source.ts';
import { problem, problemForm, type RouteAnswer, type RouteRequest, type StatusRoute } from './route.ts';
import type { HardwareInfo } from './status-source.ts';

/** What the routes of hardware and cameras ask. */
export interface HardwareSource {
  readonly config: ConfigSource;
  hardware(): HardwareInfo[];
}

const noHardware = problemForm('There is no such hardware');
const noCamera = problemForm('There is no such camera');
const { 200: _changed, ...refusals } = changeAnswers;
const created = (text: string): StatusRoute['answers'] => ({
  201: { schema: schemas.createdSchema, text },
  ...refusals,
});

/** Hardware as resources, each with its cameras. The list itself is among what the server shows. */
export function hardwareRoutes(source: HardwareSource): StatusRoute[] {
  return [...deviceRoutes(source), ...cameraRoutes(source)];
}

function deviceRoutes(source: HardwareSource): StatusRoute[] {
  const path = '/api/v1/hardware/{number}';
  return [
    {
      method: 'POST',
      path: '/api/v1/hardware',
      summary: 'Add an ONVIF device with its cameras',
      role: 'admin',
      headers: schemas.changeHeaders,
      body: schemas.newHardwareBody,
      bodyBytes: limits.http.configBytes,
      answers: created('It is there'),
      handle: (request) => {
        const refused = refuseOwn(request);
        if (refused !== null) return refused;
        const { cameras, ...wanted } = entryOf(request.body as Body) as Body & { cameras: number | Body[] };
        const list = typeof cameras === 'number' ? cameras : cameras.map((camera) => entryOf(camera) as NewCamera);
        let number = 0;
        const edit = addHardware({ ...wanted, cameras: list } as NewHardware, (chosen) => {
          number = chosen;
        });
        return changeAnswer(source.config, request, edit, () => `/api/v1/hardware/${number}`);
      },
    },
    {
      method: 'GET',
      path,
      summary: 'One ONVIF device with its cameras',
      params: schemas.hardwareParameters,
      answers: { 200: { schema: schemas.hardwareSchema, text: 'The device' }, 404: noHardware },
      handle: ({ params }) => {
        const found = find(source, params['number'] as number);
        return found === null ? missing(params) : answer(source, found);
      },
    },
    {
      method: 'PATCH',
      path,
      summary: 'Change what an ONVIF device has of its own',
      role: 'admin',
      headers: schemas.changeHeaders,
      params: schemas.hardwareParameters,
      body: schemas.hardwareBody,
      answers: { ...changeAnswers, 404: noHardware },
      handle: (request) =>
        refuseOwn(request) ??
        changeAnswer(
          source.config,
          request,
          changeHardware(request.params['number'] as number, entryOf(request.body as Body)),
        ),
    },
    {
      method: 'DELETE',
      path,
      summary: 'Remove an ONVIF device with its cameras: their streams end. All others keep their numbers',
      role: 'admin',
      headers: schemas.changeHeaders,
      params: schemas.hardwareParameters,
      answers: { ...changeAnswers, 404: noHardware },
      handle: (request) => changeAnswer(source.config, request, removeHardware(request.params['number'] as number)),
    },
  ];
}

function cameraRoutes(source: HardwareSource): StatusRoute[] {
  const cameras = '/api/v1/hardware/{number}/cameras';
  const path = `${cameras}/{channel}`;
  const params = schemas.cameraParameters;
  const placeOf = (request: RouteRequest): [number, number] => {
    return [request.params['number'] as number, request.params['channel'] as number];
  };
  return [
    {
      method: 'GET',
      path: cameras,
      summary: 'The cameras of an ONVIF device',
      params: schemas.hardwareParameters,
      answers: { 200: { schema: schemas.camerasSchema, text: 'The cameras' }, 404: noHardware },
      handle: ({ params: { number } }) => {
        const found = find(source, number as number);
        if (found === null) return missing({ number });
        return answer(source, { version: source.config.state().version, cameras: found.cameras });
      },
    },
    {
      method: 'POST',
      path: cameras,
      summary: 'Add a camera to an ONVIF device',
      role: 'admin',
      headers: schemas.changeHeaders,
      params: schemas.hardwareParameters,
      body: schemas.newCameraBody,
      answers: { ...created('It is there'), 404: noHardware },
      handle: (request) => {
        const refused = refuseOwn(request);
        if (refused !== null) return refused;
        const number = request.params['number'] as number;
        let channel = 0;
        const edit = addCamera(number, entryOf(request.body as Body) as NewCamera, (chosen) => {
          channel = chosen;
        });
        return changeAnswer(source.config, request, edit, () => `/api/v1/hardware/${number}/cameras/${channel}`);
      },
    },
    {
      method: 'GET',
      path,
      summary: 'One camera as it is configured',
      params,
      answers: { 200: { schema: schemas.cameraSchema, text: 'The camera' }, 404: noCamera },
      handle: (request) => {
        const [number, channel] = placeOf(request);
        const found = find(source, number)?.cameras.find((camera) => camera.channel === channel);
        return found === undefined ? missing(request.params) : answer(source, found);
      },
    },
    {
      method: 'PATCH',
      path,
      summary: 'Change a camera. A stream that runs goes on',
      role: 'admin',
      headers: schemas.changeHeaders,
      params,
      body: schemas.cameraBody,
      answers: { ...changeAnswers, 404: noCamera },
      handle: (request) =>
        refuseOwn(request) ??
        changeAnswer(source.config, request, changeCamera(...placeOf(request), entryOf(request.body as Body))),
    },
    {
      method: 'DELETE',
      path,
      summary: 'Remove a camera: its stream ends. All others keep their channels, and with them their ONVIF tokens',
      role: 'admin',
      headers: schemas.changeHeaders,
      params,
      answers: { ...changeAnswers, 404: noCamera },
      handle: (request) => changeAnswer(source.config, request, removeCamera(...placeOf(request))),
    },
  ];
}

type Body = Readonly<Record<string, unknown>>;

interface CameraBody {
  readonly channel: number;
  readonly name: string;
  readonly path: string;
  readonly rtspPath: string;
  readonly own: object;
  readonly stream: number | null;
}

interface HardwareBody {
  readonly number: number;
  readonly name: string;
  readonly onvifPort: number | null;
  readonly rtmpPort: number;
  readonly own: object;
  readonly cameras: readonly CameraBody[];
}

function find(source: HardwareSource, number: number): HardwareBody | null {
  const { running } = source.config.state();
  const place = running.hardwareList.findIndex((hardware) => hardware.number === number);
  const info = source.hardware()[place];
  if (info === undefined) return null;
  const { name: _name, number: _number, cameras: _cameras, ...own } = running.hardware[place] ?? {};
  const { name, onvifPort, rtmpPort, streams } = info;
  const cameras = running.cameraList.filter(({ hardware }) => hardware === place);
  return {
    number,
    name,
    onvifPort,
    rtmpPort,
    own,
    cameras: cameras.map((camera, at) => cameraBody(camera, streams[at])),
  };
}

function cameraBody(camera: ConfiguredCamera, stream: number | undefined): CameraBody {
  const { channel, name, path, rtspPath, ownRules, ownAccess } = camera;
  return { channel, name, path, rtspPath, own: { ...ownRules, ...ownAccess }, stream: stream ?? null };
}

function answer(source: HardwareSource, body: object): RouteAnswer {
  return { status: 200, body, headers: versionHeader(source.config.state().version) };
}

function missing({ number, channel }: Readonly<Record<string, unknown>>): RouteAnswer {
  const what = channel === undefined ? `hardware ${number}` : `camera on channel ${channel} of hardware ${number}`;
  return problem(404, `there is no ${what}`);
}

/** By the keys of the file. */
function entryOf({ own, ...named }: Body): EntryChange {
  const entries = Object.entries(named).map(([name, value]) => [keys[name] ?? name, value]);
  return { ...(own as EntryChange | undefined), ...Object.fromEntries(entries) };
}

const keys: Readonly<Record<string, string>> = {
  rtspPath: 'rtsp-path',
  rtmpPort: 'rtmp-port',
  onvifPort: 'onvif-port',
};

/** What is said elsewhere in a request, or is where a thing is found. */
const notOwn = ['name', 'path', 'rtsp-path', 'rtmp-port', 'onvif-port', 'cameras', 'number', 'channel'];

function refuseOwn({ body }: RouteRequest): RouteAnswer | null {
  const { own = {}, cameras = [] } = body as { own?: object; cameras?: number | readonly { own?: object }[] };
  const all = [own, ...(typeof cameras === 'number' ? [] : cameras.map((camera) => camera.own ?? {}))];
  const key = all.flatMap((one) => Object.keys(one)).find((name) => notOwn.includes(name));
  return key === undefined
    ? null
    : problem(422, `${key}: cannot stand in "own"; it has a name of its own, or cannot be changed`);
}
