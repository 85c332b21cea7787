import { type Command, Option } from 'commander';
import { systemClock } from '../base/clock.ts';
import { normaliseCameraPath } from '../config/camera-list.ts';
import { UsageError } from '../config/errors.ts';
import { addSettingFlags, givenFlags } from '../config/flags.ts';
import { parseDuration } from '../config/quantity.ts';
import type { Config } from '../config/schema.ts';
import { KeyProblem, type KeyRecord, keyState } from '../publish-auth/key-book.ts';
import { publishKeyFile, readKeyFile } from '../server/publish-key-file.ts';
import { addKey, revokeKey, rotateKey } from '../server/publish-keys.ts';
import { readSecret } from './secret-input.ts';
import type { Surroundings } from './surroundings.ts';

const takenOver = 'A running server takes it over within seconds.';

/** `skyweir keys`: the stream keys of publishers. `readKey` asks for a secret that somebody thought up. */
export function registerKeys(program: Command, surroundings: Surroundings, readKey = readSecret): void {
  const keys = program.command('keys').description('List, make and revoke the stream keys of publishers.');
  keys.allowExcessArguments(true).action(() => {
    const [word] = keys.args;
    if (word !== undefined) throw new UsageError(`keys ${word}: unknown; write list, add, rotate or revoke`);
    surroundings.write(keys.helpInformation());
  });
  const command = (name: string, description: string): Command =>
    addSettingFlags(keys.command(name).description(description), true).addHelpText('after', helpEnd);
  const placeOf = (given: Command): { readonly config: Config; readonly file: string } => {
    const { config } = surroundings.load(givenFlags(given));
    return { config, file: publishKeyFile(config.stateDir) };
  };
  const nowMs = (): number => systemClock.wallMs();

  const list = command(
    'list',
    'Show the keys: id, camera, state, dates and label. The keys themselves are not kept.',
  ).action(async () => {
    const book = await readKeyFile(placeOf(list).file);
    const rows = book.keys.map((key) => `${describeKey(key, nowMs())}\n`);
    surroundings.write(rows.join('') || 'There are no keys.\n');
  });

  const add = command('add <path>', 'Make a key for the camera with this path, and show it this once.')
    .addOption(new Option('--label <text>', 'Who has it.').default('', 'none'))
    .addOption(new Option('--not-before <time>', 'Valid from then on, such as 2026-12-01T08:00:00Z.'))
    .addOption(new Option('--not-after <time>', 'Valid until then.'))
    .addOption(new Option('--chosen', 'Ask for a secret of your own, or read it from standard input.'))
    .action(async (path: string) => {
      const { config, file } = placeOf(add);
      const camera = findCamera(config, path);
      const secret = add.getOptionValue('chosen') === true ? await readKey('Stream key') : undefined;
      const wish = {
        camera: camera.rtspPath,
        label: add.getOptionValue('label') as string,
        notBeforeMs: timeOf('--not-before', add.getOptionValue('notBefore')),
        notAfterMs: timeOf('--not-after', add.getOptionValue('notAfter')),
        ...(secret !== undefined && { secret }),
      };
      const made = await explain(() => addKey(file, wish, nowMs()));
      const own = camera.ownAccess['publish-auth'];
      const isAsked = own === undefined ? config.publishAuth : own === 'required';
      tell(made.record, camera.path, secret === undefined ? made.secret : null, isAsked);
    });

  const rotate = command('rotate <id>', 'Make another key for the same camera and label, and end this one.')
    .addOption(new Option('--grace <duration>', 'For so long the old key stays good.').default('0', 'none'))
    .addOption(new Option('--cut', 'Cut off the stream that runs with the old key.'))
    .action(async (id: string) => {
      const { config, file } = placeOf(rotate);
      const grace = rotate.getOptionValue('grace') as string;
      const graceMs = parseDuration(grace);
      const cut = rotate.getOptionValue('cut') === true;
      if (typeof graceMs !== 'number') throw new UsageError(`--grace ${grace}: must be a duration, such as 10m or 24h`);
      if (cut && graceMs > 0)
        throw new UsageError('--cut: only a key that ends at once can cut its stream off; leave --grace out');
      const made = await explain(() => rotateKey(file, id, { graceMs, cut }, nowMs()));
      const camera = config.cameraList.find(({ rtspPath }) => rtspPath.toLowerCase() === made.record.camera);
      tell(made.record, camera?.path ?? made.record.camera, made.secret);
    });

  const revoke = command('revoke <id>', 'Revoke a key. A stream that runs with it goes on.')
    .addOption(new Option('--cut', 'Cut that stream off too.'))
    .action(async (id: string) => {
      const { file } = placeOf(revoke);
      await explain(() => revokeKey(file, id, revoke.getOptionValue('cut') === true, nowMs()));
      surroundings.write(`Key ${id} was revoked. ${takenOver}\n`);
    });

  const tell = (record: KeyRecord, path: string, key: string | null, isAsked = true): void => {
    const dates = datesOf(record);
    const valid = dates === '' ? '' : `, valid${dates}`;
    const lines = [`Key ${record.id} for ${path} was made${valid}. ${takenOver}`];
    if (key !== null) {
      lines.push('', `  ${key}`, '', `It is shown this once. Publish to rtmp://<server>${path}?key=${key}`);
      lines.push(`An encoder that takes no question mark: rtmp://<server>${path}/${key}`);
    }
    if (!isAsked) lines.push('Publishers of this camera are not asked for a key yet: turn --publish-auth on.');
    surroundings.write(`${lines.join('\n')}\n`);
  };
}

const helpEnd = `
Give the same --state-dir (or --config) as the server has, and run it as the user that the server runs as.`;

function describeKey(key: KeyRecord, wallMs: number): string {
  const { id, camera, label } = key;
  return `${id}  ${camera.padEnd(24)} ${keyState(key, wallMs)}${datesOf(key)}${label === '' ? '' : `  ${label}`}`;
}

function datesOf({ notBeforeMs, notAfterMs }: KeyRecord): string {
  const from = notBeforeMs === null ? '' : ` from ${new Date(notBeforeMs).toISOString()}`;
  const until = notAfterMs === null ? '' : ` until ${new Date(notAfterMs).toISOString()}`;
  return from + until;
}

function findCamera(config: Config, path: string): Config['cameraList'][number] {
  const wanted = normaliseCameraPath(path)?.toLowerCase();
  const byRtsp = config.cameraList.find(({ rtspPath }) => rtspPath.toLowerCase() === wanted);
  if (byRtsp !== undefined) return byRtsp;
  const byPath = config.cameraList.filter((camera) => camera.path.toLowerCase() === wanted);
  if (byPath.length > 1) throw new UsageError(`${path}: several cameras have this path; give the rtsp-path of one`);
  if (byPath[0] === undefined)
    throw new UsageError(`${path}: no camera has this path; give --config or --cameras as the server has it`);
  return byPath[0];
}

function timeOf(flag: string, given: unknown): number | null {
  if (typeof given !== 'string') return null;
  const ms = Date.parse(given);
  // Without a zone a time would depend on the machine.
  if (!Number.isNaN(ms) && /(?:Z|[+-]\d\d:\d\d)$/i.test(given) && isDay(given.slice(0, 10))) return ms;
  throw new UsageError(`${flag} ${given}: must be a time with its zone, such as 2026-12-01T08:00:00Z`);
}

/** What the keys refuse is a mistake in what was asked. */
async function explain<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof KeyProblem) throw new UsageError(`${error.message}; see: skyweir keys list`);
    throw error;
  }
}

/** Whether the calendar has that day: what is taken for the last of a month would otherwise be a day of the next. */
function isDay(text: string): boolean {
  const ms = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}
