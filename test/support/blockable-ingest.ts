/** An ingest worker that a test can make stand still: see {@link blockWorkers}. */
import { obeyBlocking } from './blocking.ts';

obeyBlocking('ingest');

export { serve } from '../../workers/ingest.ts';
