/** An ingest worker that a test can break: see {@link breakWorkers}. */
import { obeyBreaking } from './breaking.ts';

obeyBreaking('ingest');

export { end, serve } from '../../workers/ingest.ts';
