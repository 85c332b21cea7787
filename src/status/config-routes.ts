import { limits } from '../base/limits.ts';
import { type ConfigEdit, patchKeys, replaceKeys, replaceText } from '../config/edits.ts';
import type { ConfigProblem } from '../config/errors.ts';
import { configValues } from '../config/print.ts';
import { type SettingKey, settingKeys, settings } from '../config/schema.ts';
import type { Setting } from '../config/setting.ts';
import * as schemas from './config-schemas.ts';
import type { ChangeOutcome, ConfigChange, ConfigSource, ConfigState, Refusal } from './config-source.ts';
import { problemMediaType, problemOf } from './problem.ts';
import { includesRole, problemForm, type RouteAnswer, type RouteRequest, type StatusRoute } from './route.ts';

/** What a YAML text is sent and answered as (RFC 9512). */
const yamlMediaType = 'application/yaml';

/** The configuration: what is in force, and changes of it. */
export function configRoutes(source: ConfigSource): StatusRoute[] {
  const change = (request: RouteRequest, edit: ConfigEdit) => changeAnswer(source, request, edit);
  return [
    {
      method: 'GET',
      path: '/api/v1/config',
      summary: 'The configuration in force, without secrets, and where each value comes from',
      answers: { 200: { schema: schemas.configSchema, text: 'The configuration' } },
      handle: ({ user }) => {
        const state = source.state();
        const body = configBody(state, includesRole(user.role, 'admin'));
        return { status: 200, body, headers: versionHeader(state.version) };
      },
    },
    {
      method: 'GET',
      path: '/api/v1/config/file',
      summary: 'The text of the configuration file, with its comments',
      role: 'admin',
      answers: { 200: { mediaType: yamlMediaType, text: 'YAML' } },
      handle: () => {
        const { text, version } = source.state();
        return { status: 200, body: text, mediaType: yamlMediaType, headers: versionHeader(version) };
      },
    },
    {
      method: 'POST',
      path: '/api/v1/config/validate',
      summary: 'What a configuration, or a change of it, would come to. Nothing changes',
      role: 'admin',
      body: schemas.validateBody,
      bodyBytes: limits.http.configBytes,
      answers: { 200: { schema: schemas.validationSchema, text: 'Mistakes or changes' } },
      handle: ({ body }) => {
        const { yaml, config, changes } = body as ValidateBody;
        const edit = yaml !== undefined ? replaceText(yaml) : config !== undefined ? replaceKeys(config) : null;
        const outcome = source.validate(edit ?? patchKeys(changes!));
        return { status: 200, body: validationBody(outcome, yaml === undefined) };
      },
    },
    {
      method: 'PATCH',
      path: '/api/v1/config',
      summary: 'Change some keys: in the file, whose comments are kept, and in force at once where that can be',
      role: 'admin',
      headers: schemas.changeHeaders,
      body: schemas.patchBody,
      bodyBytes: limits.http.configBytes,
      answers: changeAnswers,
      handle: (request) => change(request, patchKeys(request.body as Record<string, unknown>)),
    },
    {
      method: 'PUT',
      path: '/api/v1/config',
      summary:
        'Replace the whole configuration: by the text of a file, or by keys, where the comments of the file are kept',
      role: 'admin',
      headers: schemas.changeHeaders,
      body: schemas.configBody,
      bodyText: yamlMediaType,
      bodyBytes: limits.http.configBytes,
      answers: changeAnswers,
      handle: (request) => {
        const { body } = request;
        return change(
          request,
          typeof body === 'string' ? replaceText(body) : replaceKeys(body as Record<string, unknown>),
        );
      },
    },
  ];
}

interface ValidateBody {
  readonly yaml?: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly changes?: Readonly<Record<string, unknown>>;
}

/** Of every route that changes the configuration. */
export const changeAnswers: StatusRoute['answers'] = {
  200: { schema: schemas.outcomeSchema, text: 'It is in the file, and in force unless it needs a restart' },
  409: problemForm('It cannot be as things are: a port is taken, a flag wins over the key, the file cannot be written'),
  412: problemForm('The configuration is not the one of If-Match any more'),
  422: problemForm('It has the mistakes of `problems`. Nothing was changed'),
  503: problemForm('Too many changes wait already'),
};

/** Makes a change and answers what it came to; `created` is the path of what is new. */
export async function changeAnswer(
  source: ConfigSource,
  request: RouteRequest,
  edit: ConfigEdit,
  created?: () => string,
): Promise<RouteAnswer> {
  const outcome = await source.change(edit, versionMatcher(request.headers['if-match']), request.user.name);
  if ('refused' in outcome) return refusalAnswer(outcome, typeof request.body !== 'string');
  const body = outcomeBody(outcome, source.state());
  const note = { keys: outcome.changes.map(({ key }) => key).join(', ') };
  if (created === undefined) return { status: 200, body, headers: versionHeader(outcome.version), note };
  const location = created();
  const headers = { ...versionHeader(outcome.version), Location: location };
  return { status: 201, body: { ...body, location }, headers, note };
}

const statuses: Readonly<Record<Refusal['refused'], number>> = {
  invalid: 422,
  conflict: 409,
  missing: 404,
  stale: 412,
  busy: 503,
};

/** A refusal as RFC 9457 has it. */
function refusalAnswer({ refused: why, detail, problems }: Refusal, withoutLines: boolean): RouteAnswer {
  const status = statuses[why];
  const body = { ...problemOf(status, detail), problems: problems.map((one) => problemBody(one, withoutLines)) };
  return { status, body, mediaType: problemMediaType };
}

/** The strong entity tag of a version (RFC 9110, clause 8.8.3). */
export function versionHeader(version: string): Record<string, string> {
  return { ETag: `"${version}"` };
}

/** Whether a version is one of those of an If-Match header (RFC 9110, clause 13.1.1); without one every version is. */
function versionMatcher(header: string | readonly string[] | undefined): (version: string) => boolean {
  if (header === undefined) return () => true;
  const tags = String(header)
    .split(',')
    .map((tag) => tag.trim());
  return (version) => tags.includes('*') || tags.includes(`"${version}"`);
}

/** What stands in a file with mistakes is for those who may read the file: it may be a secret at a wrong place. */
function configBody(state: ConfigState, withValues: boolean): object {
  const { running, version, file, problems, waiting } = state;
  const known = Object.fromEntries(
    settingKeys.filter((key) => settings[key].inFile).map((key) => [settings[key].flag, settingBody(key, state)]),
  );
  return {
    version,
    file,
    config: configValues(running),
    settings: known,
    problems: problems.map((one) => {
      if (withValues) return problemBody(one, false);
      const text = `${one.key ?? 'the file'}: has a mistake`;
      return problemBody({ ...one, value: null, text, remedy: text }, false);
    }),
    waiting,
  };
}

function settingBody(key: SettingKey, { running, loaded }: ConfigState): object {
  const setting = settings[key] as Setting<unknown>;
  const { flag, applies, unit, kind, allowed, group, text } = setting;
  const from = loaded?.sources.get(key) ?? 'default';
  const fallback = loaded?.defaults[key];
  const file = loaded?.file ?? null;
  // The file that is kept in the state folder cannot say where that is.
  const isElsewhere = file?.kept === true && key === 'stateDir';
  return {
    value: configValues(running)[flag] ?? null,
    default: fallback === undefined || kind === 'hardware' ? null : setting.format(fallback),
    from,
    place: loaded?.origins.get(key) ?? 'default',
    applies,
    unit,
    kind,
    allowed,
    group,
    text,
    changeable: file !== null && !isElsewhere && (from === 'default' || from === 'file'),
  };
}

function outcomeBody({ changes, notes, warnings, version }: ChangeOutcome, { waiting }: ConfigState): object {
  return { version, changes, waiting: keysOf(waiting), notes, warnings };
}

function validationBody(outcome: ChangeOutcome | Refusal, withoutLines: boolean): object {
  const nothing = { changes: [], notes: [], warnings: [], problems: [] };
  if ('refused' in outcome) {
    const problems = outcome.problems.map((one) => problemBody(one, withoutLines));
    return { ...nothing, valid: false, detail: outcome.detail, problems };
  }
  const { changes, notes, warnings } = outcome;
  return { ...nothing, valid: true, detail: '', changes, notes, warnings };
}

/** Lines are told where the caller has the text that they are of. */
function problemBody({ text, key, path, value, remedy, line, column }: ConfigProblem, withoutLines: boolean): object {
  const pointer = path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  const place = withoutLines ? { line: null, column: null } : { line, column };
  const plain = withoutLines ? text.replace(/^[^\n]*?:\d+:\d+: /, '') : text;
  return { text: plain, key, pointer, value: value ?? null, remedy, ...place };
}

function keysOf(changes: readonly ConfigChange[]): string[] {
  return changes.map(({ key }) => key);
}
