/**
 * Counts the bytes that `Buffer` is asked for while a decoder runs. A declared length must never show up here before its
 * bytes have arrived. Buffers made from data that exists are counted too, since that is a copy.
 */
let allocated = 0;
let installed = false;

/** Starts counting; once for the whole process. */
export function installAllocationMeter(): void {
  if (installed) return;
  installed = true;
  for (const name of ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const) {
    const original = Buffer[name] as (size: number, ...rest: unknown[]) => Buffer;
    Object.assign(Buffer, {
      [name]: (size: number, ...rest: unknown[]) => {
        allocated += size;
        return original(size, ...rest);
      },
    });
  }
}

/** Bytes asked for since the last call. */
export function takeAllocatedBytes(): number {
  const bytes = allocated;
  allocated = 0;
  return bytes;
}
