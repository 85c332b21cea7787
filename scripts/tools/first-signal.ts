/** Milliseconds within which the same wish may come twice: npm passes on what the terminal has given to its child already. */
const repeatedSignalMs = 200;

/** Resolves at the first wish to stop; the second one ends the process at once. */
export function firstSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let firstMs = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (firstMs > 0 && performance.now() - firstMs >= repeatedSignalMs) process.exit(130);
      if (firstMs === 0) firstMs = performance.now();
      resolve();
    });
  return promise;
}
