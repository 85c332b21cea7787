/** An ingest worker that a test can let fail while it starts ({@link WorkerStarts}), and later by `faultPaths`. */
import { countStart } from './worker-starts.ts';

countStart();
export const { end, serve } = await import('./failing-ingest.ts');
