/**
 * Megabytes of young heap for a thread. Nothing is allocated per frame beyond a few small objects; with V8's default of 48
 * their memory would be touched all the way round, which costs residence and cache for nothing.
 */
export const youngHeapMb = 4;

/**
 * The file a thread starts with: `workers/<name>.ts` when run from source, `workers/<name>.js` in the built package.
 * `from` is the caller's `import.meta.url`; `up` the way from there to the package root.
 */
export function threadEntry(name: 'acceptor' | 'ingest' | 'consumer', from: string, up: string): URL {
  return new URL(`${up}workers/${name}${from.endsWith('.ts') ? '.ts' : '.js'}`, from);
}
