/** A consumer that a test can break: see {@link breakWorkers}. */
import { obeyBreaking } from './breaking.ts';

obeyBreaking('consumer');
await import('../../workers/consumer.ts');
