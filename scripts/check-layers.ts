/** Fails when an import points up or sideways against the folder rules, or when a codec reaches for I/O or a clock. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

/** What each folder of `src` may import from the other folders of `src`; itself and `base` are always allowed. */
const allowed: Record<string, readonly string[]> = {
  base: [],
  amf0: [],
  flv: ['amf0', 'h264'],
  h264: [],
  mp4: ['h264'],
  rtp: ['h264'],
  sdp: ['h264'],
  rtmp: ['amf0', 'flv'],
  rtsp: ['sdp', 'rtp'],
  shm: [],
  ingest: ['amf0', 'flv', 'h264', 'rtmp', 'shm', 'control'],
  egress: ['h264', 'mp4', 'rtp', 'rtsp', 'sdp', 'shm', 'offline-card', 'control'],
  stats: ['shm', 'control'],
  'offline-card': ['h264'],
  onvif: ['rtsp'],
  status: ['config', 'shm', 'stats', 'ingest-rules', 'onvif', 'rtsp', 'control', 'publish-auth'],
  access: ['onvif', 'status'],
  control: [],
  hooks: ['config', 'control', 'stats', 'status'],
  'publish-auth': ['onvif'],
  config: ['ingest-rules'],
  'ingest-rules': [],
  net: [
    'rtmp',
    'rtsp',
    'rtp',
    'mp4',
    'ingest',
    'egress',
    'onvif',
    'control',
    'shm',
    'stats',
    'status',
    'hooks',
    'access',
  ],
  server: ['*'],
  cli: ['*'],
  doctor: ['*'],
  '': ['*'],
};

/** Codec folders: bytes and `now` in; no socket, timer, clock or file. */
const codecs = new Set([
  'base',
  'amf0',
  'flv',
  'h264',
  'mp4',
  'rtp',
  'sdp',
  'rtmp',
  'rtsp',
  'offline-card',
  'ingest-rules',
]);
const services = new Set([
  'ingest',
  'egress',
  'hooks',
  'onvif',
  'publish-auth',
  'stats',
  'status',
  'shm',
  'control',
  'config',
  'access',
]);
const ioModules =
  /^node:(net|tls|dgram|http|https|http2|fs|fs\/promises|timers|timers\/promises|worker_threads|child_process)$/;
const socketModules = /^node:(net|tls|dgram|http|https|http2)$/;
const ambientClock =
  /\b(Date\.now|new Date\(\)|performance\.now|process\.hrtime|setTimeout|setInterval|setImmediate)\b/;
/** The one codec-level file that is allowed to read the clock: it is the clock. */
const clockFile = 'src/base/clock.ts';

const problems: string[] = [];

for (const top of ['src', 'workers', 'scripts', 'native-free-bench']) {
  for (const entry of readdirSync(join(root, top), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    check(relative(root, join(entry.parentPath, entry.name)));
  }
}

if (problems.length > 0) {
  console.error(problems.join('\n'));
  console.error(`layers: ${problems.length} import(s) break the folder rules of docs/architecture.md`);
  process.exit(1);
}

function check(file: string): void {
  const text = readFileSync(join(root, file), 'utf8');
  const folder = folderOf(file);
  for (const match of text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)) {
    const target = match[1]!;
    if (folder === null) continue;
    if (target.startsWith('.')) checkRelative(file, folder, target);
    else checkModule(file, folder, target);
  }
  if (folder !== null && codecs.has(folder) && file !== clockFile) {
    const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    const found = ambientClock.exec(code);
    if (found) problems.push(`${file}: a codec takes \`now\` as an argument and must not use ${found[0]}`);
  }
}

function checkRelative(file: string, folder: string, target: string): void {
  const other = folderOf(relative(root, resolve(root, dirname(file), target)));
  if (other === null) {
    problems.push(`${file}: src must not import ${target}, which lies outside src`);
    return;
  }
  const may = allowed[folder];
  if (may === undefined) problems.push(`${file}: folder src/${folder} has no rule in scripts/check-layers.ts`);
  else if (other !== folder && other !== 'base' && !may.includes('*') && !may.includes(other))
    problems.push(`${file}: src/${folder} must not import src/${other || '*.ts'}`);
}

function checkModule(file: string, folder: string, target: string): void {
  if (codecs.has(folder) && ioModules.test(target) && file !== clockFile)
    problems.push(`${file}: a codec must not import ${target}`);
  if (services.has(folder) && socketModules.test(target)) problems.push(`${file}: only src/net may import ${target}`);
}

/** The folder of `src` a file lies in, '' for files directly in `src`, null for files outside `src`. */
function folderOf(file: string): string | null {
  const parts = file.split('/');
  if (parts[0] !== 'src') return null;
  return parts.length > 2 ? parts[1]! : '';
}
