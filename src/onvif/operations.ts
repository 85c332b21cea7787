import { OnvifFault } from './fault.ts';
import type { ServiceCall } from './service.ts';

/** Returns the content of the answer element. Faults are thrown as {@link OnvifFault}. */
export type Operation = (call: ServiceCall) => string;

/** The operations of a service by local name, and the prefix of its answers. */
export class OperationTable {
  readonly #prefix: string;
  readonly #operations: ReadonlyMap<string, Operation>;

  constructor(prefix: string, operations: Readonly<Record<string, Operation>>) {
    this.#prefix = prefix;
    this.#operations = new Map(Object.entries(operations));
  }

  /** Local names of all operations. */
  get names(): string[] {
    return [...this.#operations.keys()];
  }

  /** The answer element. */
  call(call: ServiceCall): string {
    const operation = this.#operations.get(call.operation);
    if (operation === undefined) throw notImplemented(call.operation);
    const name = `${this.#prefix}:${call.operation}Response`;
    const content = operation(call);
    return content === '' ? `<${name}/>` : `<${name}>${content}</${name}>`;
  }
}

/** An operation that we accept and that changes nothing: what it would set is the publisher's. */
export const ignored: Operation = () => '';

/** An operation that is optional and that we do not have (Core, clause 5.8.2.3). */
export function notImplemented(operation: string): OnvifFault {
  return new OnvifFault('Receiver', ['ter:ActionNotSupported'], `${operation} is not implemented`);
}
