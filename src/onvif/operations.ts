import { OnvifFault } from './fault.ts';
import { namespaces } from './namespaces.ts';
import type { OnvifService, ServiceCall } from './service.ts';

/** Returns the content of the answer element. Faults are thrown as {@link OnvifFault}. */
export type Operation = (call: ServiceCall) => string;

/** A service that is a table of operations, each answered at once. */
export abstract class OperationService implements OnvifService {
  readonly namespace: string;
  protected readonly prefix: string;
  #operations: ReadonlyMap<string, Operation> | null = null;

  /** `prefix` is that of the answers: the namespace's own. */
  protected constructor(prefix: keyof typeof namespaces) {
    this.namespace = namespaces[prefix];
    this.prefix = prefix;
  }

  /** Local names of all operations. */
  get operations(): readonly string[] {
    return [...this.#known.keys()];
  }

  /** Returns the answer element. */
  call(call: ServiceCall): string {
    const operation = this.#known.get(call.operation);
    if (operation === undefined) throw notImplemented(call.operation);
    const name = `${this.prefix}:${call.operation}Response`;
    const content = operation(call);
    return content === '' ? `<${name}/>` : `<${name}>${content}</${name}>`;
  }

  /** The operations by local name. Asked once, at the first call: a service is not complete before its constructor has ended. */
  protected abstract table(): Record<string, Operation>;

  get #known(): ReadonlyMap<string, Operation> {
    this.#operations ??= new Map(Object.entries(this.table()));
    return this.#operations;
  }
}

/** An operation that we accept and that changes nothing: what it would set is the publisher's. */
export const ignored: Operation = () => '';

/** An operation that is optional and that we do not have (Core, clause 5.8.2.3). */
export function notImplemented(operation: string): OnvifFault {
  return new OnvifFault('Receiver', ['ter:ActionNotSupported'], `${operation} is not implemented`);
}
