/**
 * What `npm start` runs: `cli.ts`, with Node's compile cache. Node keeps there what it made of each source file, without types, so that from the
 * second start on no thread loads a TypeScript parser: 45 MB resident less, and a second less until all ports are open. Where the folder cannot be
 * written, all goes as without it. An operator may name another one in NODE_COMPILE_CACHE.
 */
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// As in cli.ts, but a second or more before that is loaded: a service may be told to reload as soon as it is started.
if (process.platform !== 'win32' && !process.stdout.isTTY) process.on('SIGHUP', () => {});

// Threads that are started later take it from the environment.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../node_modules/.cache/skyweir', import.meta.url));
enableCompileCache(process.env.NODE_COMPILE_CACHE);
await import('./cli.ts');
