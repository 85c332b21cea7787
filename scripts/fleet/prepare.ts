/** Everything that stands ready before the first camera starts: server, clips, links, threads. */
import { availableParallelism, tmpdir } from 'node:os';
import { SyntheticStream } from '../../native-free-bench/system/synthetic-stream.ts';
import { temporaryFolder } from '../../native-free-bench/system/temporary-folder.ts';
import { readMachine } from '../../src/server/machine.ts';
import { ensureProgram, findProgram } from '../tools/system-programs.ts';
import type { ReadersOptions } from './camera-readers.ts';
import { mostProcesses, openFilesOf } from './capacity.ts';
import { loadClip, removeUnfinished } from './clip-cache.ts';
import { type ClipKind, planClips } from './clips.ts';
import { FfmpegPublishers, type FfmpegSource } from './ffmpeg-publishers.ts';
import { type FrameBook, syntheticBook } from './frame-book.ts';
import { ffmpegTlsArguments, linkAddress } from './link-address.ts';
import { type FleetOptions, FleetUsageError } from './options.ts';
import { accepts, mostOwnCameras, OwnServer } from './own-server.ts';
import type { Publishers } from './publishers.ts';
import { RadioProxy } from './radio-proxy.ts';
import { ReaderThreads } from './reader-threads.ts';
import { fates, type Schedule } from './schedule.ts';
import { SeededRandom } from './seeded-random.ts';
import { SlowReaders } from './slow-readers.ts';
import { StampedClip } from './stamped-clip.ts';
import { SyntheticPublishers } from './synthetic-publishers.ts';
import { appAndNameOf, pathOf, shownPattern, type UrlPattern, urlOf } from './url-pattern.ts';

/** A fleet that could not be started; the message is for people. */
export class FleetStartError extends Error {}

/** What the flight works with. */
export interface Ground {
  readonly title: string;
  readonly target: UrlPattern;
  readonly read: UrlPattern | null;
  readonly server: OwnServer | null;
  readonly publishers: Publishers;
  /** The same as `publishers` if they are synthetic. */
  readonly synthetic: SyntheticPublishers | null;
  readonly readers: ReaderThreads | null;
  readonly slowReaders: SlowReaders | null;
  /** Null for a camera that connects directly. */
  readonly proxies: readonly (RadioProxy | null)[];
  readonly paths: readonly string[];
  readonly clipNames: readonly string[];
  readonly frameRates: readonly number[];
  /** Ends what is left; the server gets `serverMs` to do so in order. */
  clear(serverMs: number): Promise<void>;
}

/** RTMP chunk size that synthetic cameras announce; what OBS does. */
const chunkSize = 4096;
const threadEndMs = 500;

/** Links that one thread of Node can be for synthetic cameras. */
const mostLinks = 300;

/**
 * Prepares; throws {@link FleetUsageError} or {@link FleetStartError} and leaves nothing behind then. So it does, with whatever
 * error, soon after `signal`.
 */
export async function prepareGround(
  options: FleetOptions,
  schedule: Schedule,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Ground> {
  checkCounts(options);
  const folder = ownFolder();
  const undo: ((serverMs: number) => Promise<void> | void)[] = [() => folder.remove()];
  const clear = async (serverMs: number): Promise<void> => {
    for (const one of undo.splice(0).reverse()) await one(serverMs);
  };
  try {
    const random = new SeededRandom(options.seed).fork(0);
    const kinds = options.synthetic ? [] : planClips(options.clips, options.count, random);
    const ffmpeg = options.synthetic ? '' : await program(signal);
    signal.throwIfAborted();
    const clips =
      options.synthetic || options.liveEncode ? new Map() : await loadClips(options, ffmpeg, kinds, say, signal);

    const server = options.startServer ? await startServer(options, folder.path, signal) : null;
    if (server !== null) undo.push((serverMs) => server.stop(serverMs));
    const target = server?.target ?? options.target!;
    const read = server?.read ?? options.read;
    if (server === null) await checkReachable(target, read);
    signal.throwIfAborted();

    const proxies = schedule.links.map((plan, index) =>
      plan === null
        ? null
        : new RadioProxy({
            targetHost: target.host,
            targetPort: target.port,
            bytesPerSecond: (options.synthetic ? options.bitsPerSecond : 1000 * kinds[index]!.kilobitsPerSecond) / 8,
          }),
    );
    const ports = await Promise.all(proxies.map((proxy) => proxy?.listen() ?? null));
    undo.push(() => {
      for (const proxy of proxies) proxy?.close();
    });
    /** Where camera `index` connects: its link, or the server itself. */
    const destination = (index: number): UrlPattern => {
      const port = ports[index] ?? null;
      return port === null ? target : linkAddress(target, port);
    };

    const stream = new SyntheticStream({
      bitsPerSecond: options.bitsPerSecond,
      framesPerSecond: options.framesPerSecond,
      gop: options.gop,
      chunkSize,
    });
    const synthetic = options.synthetic
      ? new SyntheticPublishers({
          shape: stream.shape,
          addresses: Array.from({ length: options.count }, (_, index) =>
            syntheticAddress(destination(index), target, index, options),
          ),
        })
      : null;
    if (synthetic !== null) undo.push(() => synthetic.end(threadEndMs));
    const sources = kinds.map(
      (kind, index): FfmpegSource => ({
        url: urlOf(destination(index), index),
        kind,
        clip: clips.get(kind.name) ?? null,
        tls: ffmpegTlsArguments(target, options.insecure || server !== null, (ports[index] ?? null) !== null),
      }),
    );
    const publishers = synthetic ?? new FfmpegPublishers({ ffmpeg, sources, folder: folder.path });
    if (synthetic === null) undo.push(() => publishers.stop(threadEndMs));

    const readers = read === null ? null : startReaders(options, server, read, kinds, clips, stream);
    if (readers !== null) undo.push(() => readers.stop(threadEndMs));
    const slowReaders = read === null ? null : slowReadersOf(options, server, read);
    if (slowReaders !== null) undo.push(() => slowReaders.stop());
    return {
      title: titleOf(options, target, read),
      target,
      read,
      server,
      publishers,
      synthetic,
      readers,
      slowReaders,
      proxies,
      paths: Array.from({ length: options.count }, (_, index) => pathOf(target, index).replace(/\?.*$/, '')),
      frameRates: Array.from(
        { length: options.count },
        (_, index) => kinds[index]?.framesPerSecond ?? options.framesPerSecond,
      ),
      clipNames: Array.from({ length: options.count }, (_, index) => clipNameOf(options, kinds[index])),
      clear,
    };
  } catch (error) {
    await clear(threadEndMs);
    throw error;
  }
}

function ownFolder(): ReturnType<typeof temporaryFolder> {
  try {
    return temporaryFolder('skyweir-fleet-');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new FleetStartError(
      `no folder can be made in ${tmpdir()} (${code}); make room there, or set TMPDIR to another one`,
    );
  }
}

function checkCounts(options: FleetOptions): void {
  const { count, synthetic, liveEncode, force, startServer, scenario } = options;
  if (startServer && count > mostOwnCameras)
    throw new FleetUsageError(`--count ${count}: Skyweir has at most ${mostOwnCameras} cameras here; give a target`);
  const links = scenario === 'bad-radio' ? count : scenario === 'rough' ? count / fates.length : 0;
  if (links > mostLinks)
    throw new FleetUsageError(`--count ${count}: the scenario ${scenario} has at most ${mostLinks} bad links`);
  if (force) return;
  const readers = startServer || options.read !== null ? count + options.slowReaders : 0;
  const files = openFilesOf({ count, synthetic, links: Math.ceil(links), readers });
  const { openFiles } = readMachine();
  if (openFiles !== null && files > openFiles)
    throw new FleetUsageError(
      `--count ${count}: this fleet needs ${files} open files, and the process may have ${openFiles}; start it after "ulimit -n ${2 ** Math.ceil(Math.log2(files))}", or --force to try it`,
    );
  if (synthetic) return;
  const most = mostProcesses(availableParallelism(), process.availableMemory(), liveEncode);
  if (count > most)
    throw new FleetUsageError(
      `--count ${count}: this machine carries about ${most} FFmpeg processes; use --synthetic, or --force to try it`,
    );
}

async function program(signal: AbortSignal): Promise<string> {
  const found = await findProgram('ffmpeg');
  // A Ctrl-C that ends the search is no reason to install what was not found.
  signal.throwIfAborted();
  if (found !== null) return found;
  try {
    return await ensureProgram('ffmpeg');
  } catch (error) {
    throw new FleetStartError(`${(error as Error).message} (--synthetic needs no FFmpeg)`);
  }
}

async function startServer(options: FleetOptions, folder: string, signal: AbortSignal): Promise<OwnServer> {
  const { count: cameras, rtmps, serverFlags: flags } = options;
  try {
    return await OwnServer.start({ cameras, rtmps, folder, flags, signal });
  } catch (error) {
    throw new FleetStartError((error as Error).message);
  }
}

async function checkReachable(target: UrlPattern, read: UrlPattern | null): Promise<void> {
  for (const one of read === null ? [target] : [target, read])
    if (!(await accepts(one.host, one.port))) throw new FleetStartError(`nobody listens at ${shownPattern(one)}`);
}

async function loadClips(
  options: FleetOptions,
  ffmpeg: string,
  kinds: readonly ClipKind[],
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Map<string, StampedClip>> {
  try {
    removeUnfinished(options.cacheFolder);
  } catch {
    // A folder that cannot be tidied may still do; if not, the first clip says so.
  }
  const clips = new Map<string, StampedClip>();
  for (const kind of kinds) {
    if (clips.has(kind.name)) continue;
    try {
      const bytes = await loadClip(options.cacheFolder, kind, ffmpeg, say, signal);
      clips.set(kind.name, new StampedClip(bytes, kind.framesPerSecond));
    } catch (error) {
      throw new FleetStartError(`the clip ${kind.name} could not be made: ${(error as Error).message}`);
    }
  }
  return clips;
}

function startReaders(
  options: FleetOptions,
  server: OwnServer | null,
  read: UrlPattern,
  kinds: readonly ClipKind[],
  clips: ReadonlyMap<string, StampedClip>,
  stream: SyntheticStream,
): ReaderThreads {
  const names = [...clips.keys()];
  const books: FrameBook[] = options.synthetic
    ? [syntheticBook(stream, options.checkBytes)]
    : names.map((name) => clips.get(name)!.book);
  const data: ReadersOptions = {
    host: read.host,
    port: read.port,
    cameras: Array.from({ length: options.count }, (_, index) => ({
      url: urlOf(read, index),
      book: options.synthetic ? 0 : names.indexOf(kinds[index]!.name),
    })),
    books,
    credentials: server?.credentials ?? options.credentials,
    checkBytes: options.checkBytes,
    measureLatency: options.synthetic,
  };
  return new ReaderThreads(data, options.promptReaders);
}

/** They are spread over the cameras; null if nobody wants them. */
function slowReadersOf(options: FleetOptions, server: OwnServer | null, read: UrlPattern): SlowReaders | null {
  const credentials = server?.credentials ?? options.credentials;
  const { slowReaders, count } = options;
  if (slowReaders === 0) return null;
  const urls = Array.from({ length: slowReaders }, (_, i) => urlOf(read, Math.floor((i * count) / slowReaders)));
  return new SlowReaders(urls, read.host, read.port, credentials);
}

function syntheticAddress(where: UrlPattern, target: UrlPattern, index: number, options: FleetOptions) {
  const insecure = options.insecure || options.startServer;
  return {
    host: where.host,
    port: where.port,
    ...appAndNameOf(pathOf(target, index)),
    tls: options.rtmps ? { serverName: target.host, insecure } : null,
  };
}

function clipNameOf(options: FleetOptions, kind: ClipKind | undefined): string {
  if (kind === undefined) return `${options.bitsPerSecond / 1e6} Mbit/s`;
  return options.liveEncode ? `live ${kind.framesPerSecond} fps` : kind.name;
}

function titleOf(options: FleetOptions, target: UrlPattern, read: UrlPattern | null): string {
  const what = options.synthetic ? 'synthetic cameras' : options.liveEncode ? 'encoding cameras' : 'FFmpeg cameras';
  const back = read === null ? 'nothing is read back' : `read back from ${shownPattern(read)}`;
  const whose = options.startServer ? 'Skyweir, started here, at ' : '';
  return `${options.count} ${what}, ${options.scenario}, seed ${options.seed}: ${whose}${shownPattern(target)}, ${back}`;
}
