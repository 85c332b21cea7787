import { z } from 'zod';

/** Completes "must be ..." for a list of addresses. */
export const addressRangeAllowed = 'addresses and networks, such as 192.0.2.7, 10.1.0.0/16 or 2001:db8::/32';

const ipv4 = z.ipv4();
const ipv6 = z.ipv6();

/** One IP address, or a network as address and number of leading bits. */
export const addressRange: z.ZodType<string> = z.string(addressRangeAllowed).refine(isRange, addressRangeAllowed);

function isRange(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  if (rest.length > 0) return false;
  const longest = ipv4.safeParse(address).success ? 32 : ipv6.safeParse(address).success ? 128 : -1;
  return bits === undefined ? longest > 0 : /^\d{1,3}$/.test(bits) && Number(bits) <= longest;
}
