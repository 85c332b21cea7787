import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { gzipSync } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isKnown } from '../status/shared-answer.ts';

/** A file of the status page, as it is sent. */
interface PageFile {
  readonly mediaType: string;
  readonly text: string;
  readonly gzip: Buffer;
  readonly etag: string;
}

/** From source the page's modules are TypeScript, whose types are taken out here; a build has done that already. */
const moduleEnding = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
const pageFolder = new URL('../status/page/', import.meta.url);
/** Everything but the page itself lies below this. */
const filesPath = '/page/';
const modulesPath = `${filesPath}modules/`;
const mainModule = `main${moduleEnding}`;

/** The packages that the page imports, by the names that it imports them with: the one file of each that is sent. */
const packages: Readonly<Record<string, string>> = {
  preact: 'preact/dist/preact.mjs',
  'preact/hooks': 'preact/hooks/dist/hooks.mjs',
  htm: 'htm/dist/htm.module.js',
  uplot: 'uplot/dist/uPlot.esm.js',
  uqr: 'uqr/dist/index.mjs',
};
/** In the order in which they count; the last one is for narrow screens. */
const styles = ['page.css', 'cameras.css', 'camera.css', 'server.css', 'narrow.css'] as const;
const chartStyles = 'uplot/dist/uPlot.min.css';

const mediaTypes = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  script: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
} as const;

/**
 * The files of the status page, by the path of their URL. Nothing that a request names is looked up on the disk: what is in this
 * table can be had, and nothing else. They hold no secret, so they need no login.
 */
export class PageFiles {
  readonly #files = new Map<string, PageFile>();
  /** The header Content-Security-Policy of the page. */
  readonly policy: string;

  constructor() {
    const imports: Record<string, string> = {};
    for (const [name, file] of Object.entries(packages)) {
      imports[name] = `${filesPath}packages/${name.replace('/', '-')}.js`;
      this.#add(imports[name], mediaTypes.script, readPackage(file));
    }
    const modules = readdirSync(pageFolder).filter((name) => name.endsWith(moduleEnding) && !name.endsWith('.d.ts'));
    for (const name of modules) this.#add(modulesPath + name, mediaTypes.script, readModule(name));
    for (const name of styles)
      this.#add(filesPath + name, mediaTypes.css, readFileSync(new URL(name, pageFolder), 'utf8'));
    this.#add(`${filesPath}uplot.css`, mediaTypes.css, readPackage(chartStyles));
    this.#add(`${filesPath}icon.svg`, mediaTypes.svg, icon);
    const importMap = JSON.stringify({ imports });
    const preloads = [...Object.values(imports), ...modules.map((name) => modulesPath + name)];
    this.#add('/', mediaTypes.html, pageText(importMap, preloads));
    this.policy = policyFor(importMap);
  }

  find(path: string): PageFile | undefined {
    return this.#files.get(path);
  }

  /** Paths of all of them. */
  get paths(): IterableIterator<string> {
    return this.#files.keys();
  }

  #add(path: string, mediaType: string, text: string): void {
    const etag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`;
    this.#files.set(path, { mediaType, text, gzip: gzipSync(text), etag });
  }
}

/** Lets `app` answer with the status page. It is read from the disk when somebody asks for the first time. */
export function mountPage(app: FastifyInstance): void {
  let files: PageFiles | null = null;
  const handler = async (request: FastifyRequest, reply: FastifyReply) => {
    files ??= new PageFiles();
    const file = files.find(request.url.split('?', 1)[0]!);
    if (file === undefined) return reply.callNotFound();
    reply.headers({
      'Cache-Control': 'no-cache',
      'Content-Security-Policy': files.policy,
      'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
      ETag: file.etag,
      Vary: 'Accept-Encoding',
    });
    if (isKnown(request.headers['if-none-match'], file.etag)) return reply.code(304).send();
    reply.type(file.mediaType);
    if (!/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) return reply.send(file.text);
    return reply.header('Content-Encoding', 'gzip').send(file.gzip);
  };
  const config = { open: true };
  app.get('/', { config }, handler);
  app.get(`${filesPath}*`, { config }, handler);
}

/**
 * No scripts but those of this port and the import map, whose text the policy names by its hash; no styles but those of this
 * port; the preview's video comes out of the page's own memory (blob:).
 */
function policyFor(importMap: string): string {
  const hash = createHash('sha256').update(importMap).digest('base64');
  return [
    "default-src 'none'",
    `script-src 'self' 'sha256-${hash}'`,
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    'media-src blob:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // Nothing writes HTML from text.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}

function pageText(importMap: string, preloads: readonly string[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Skyweir</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" type="image/svg+xml" href="${filesPath}icon.svg">
<link rel="stylesheet" href="${filesPath}uplot.css">
${styles.map((name) => `<link rel="stylesheet" href="${filesPath}${name}">`).join('\n')}
<script type="importmap">${importMap}</script>
${preloads.map((path) => `<link rel="modulepreload" href="${path}">`).join('\n')}
<script type="module" src="${modulesPath}${mainModule}"></script>
</head>
<body>
<noscript>This page needs JavaScript.</noscript>
<div id="page"></div>
</body>
</html>
`;
}

const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3.5" fill="#1b6e8c"/>' +
  '<path d="M2.5 6.2q2.75-2.4 5.5 0t5.5 0M2.5 10.6q2.75-2.4 5.5 0t5.5 0" fill="none" stroke="#fff" stroke-width="1.6" stroke-linecap="round"/></svg>';

/** What a browser runs of a module of the page. */
function readModule(name: string): string {
  const text = readFileSync(new URL(name, pageFolder), 'utf8');
  return moduleEnding === '.ts' ? withoutTypes(text) : text;
}

/** Node runs this program in the same way, but warns that the function itself may change. */
function withoutTypes(text: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(text);
  } finally {
    process.emitWarning = emitWarning;
  }
}

const packageFinder = createRequire(import.meta.url);

/** Packages hide most of their files from `resolve`, so the file is looked for where the package is. */
function readPackage(file: string): string {
  for (const folder of packageFinder.resolve.paths(file) ?? []) {
    try {
      return readFileSync(`${folder}/${file}`, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  throw new Error(`${file} is not installed`);
}
