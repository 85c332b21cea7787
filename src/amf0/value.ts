/**
 * An AMF value. Objects, typed objects and ECMA arrays become Maps, so that no property name can reach a prototype;
 * strict arrays become arrays. Values never contain themselves.
 */
export type AmfValue = number | boolean | string | null | undefined | AmfObject | AmfValue[] | Date;

/** An object or ECMA array, in the order in which the properties were sent; of duplicates the last one counts. */
export type AmfObject = Map<string, AmfValue>;
