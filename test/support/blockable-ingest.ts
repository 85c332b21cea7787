/** An ingest worker that a test can make stand still, or busy: see {@link blockWorkers} and {@link occupyWorkers}. */
import { obeyBlocking } from './blocking.ts';

obeyBlocking('ingest');

export { end, serve } from '../../workers/ingest.ts';
