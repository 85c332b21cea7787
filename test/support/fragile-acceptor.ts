/** An acceptor that a test can break: see {@link breakWorkers}. */
import { obeyBreaking } from './breaking.ts';

obeyBreaking('acceptor');
await import('../../workers/acceptor.ts');
