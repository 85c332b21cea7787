import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { limits } from '../base/limits.ts';
import { firstLine } from '../config/credentials.ts';
import { UsageError } from '../config/errors.ts';

/**
 * Asks for a password, which is never an argument: everybody on the machine can read those. On a terminal it is typed twice and
 * not shown; else it is the first line of standard input. Throws {@link UsageError}.
 */
export async function readSecret(what: string): Promise<string> {
  if (process.stdin.isTTY !== true) return readLine(process.stdin);
  const first = await ask(`${what}: `);
  if (first !== (await ask(`${what} once more: `)))
    throw new UsageError('the two are not the same; nothing was changed');
  return first;
}

/** The first line of a stream, of which no more is read than a password may have. */
export async function readLine(input: AsyncIterable<string | Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of input) {
    text += chunk.toString();
    if (text.includes('\n') || text.length > limits.access.longestPassword * 4) break;
  }
  const line = firstLine(text);
  if (line === '') throw new UsageError('no password came on standard input; it must be the first line');
  return line;
}

/** What is typed on a terminal, which does not show it. Throws {@link UsageError} if that ends before a line does. */
export function ask(question: string, input: NodeJS.ReadableStream = process.stdin): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  process.stderr.write(question);
  return new Promise((resolve, reject) => {
    const line = createInterface({ input, output: silent, terminal: true });
    const end = (act: () => void) => (): void => {
      line.off('close', onEnd);
      line.close();
      process.stderr.write('\n');
      act();
    };
    const onEnd = end(() => reject(new UsageError('interrupted; nothing was changed')));
    line.once('SIGINT', onEnd);
    // Ctrl-D, and a terminal that is gone.
    line.once('close', onEnd);
    line.question('', (answer) => end(() => resolve(answer))());
  });
}
