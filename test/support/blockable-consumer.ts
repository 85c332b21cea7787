/** A consumer that a test can make stand still, or busy: see {@link blockWorkers} and {@link occupyWorkers}. */
import { obeyBlocking } from './blocking.ts';

obeyBlocking('consumer');
await import('../../workers/consumer.ts');
