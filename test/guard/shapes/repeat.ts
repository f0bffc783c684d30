/** So many of a thing. */
export const times = <T>(size: number, make: (index: number) => T): T[] =>
  Array.from({ length: size }, (_, index) => make(index));
/** An object with so many fields. */
export const fields = (size: number, value: (index: number) => unknown) =>
  Object.fromEntries(times(size, (index) => [`k${index}`, value(index)]));
