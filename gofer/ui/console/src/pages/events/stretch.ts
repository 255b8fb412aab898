/** A stretch of events without a gap, newest first, that is not to grow without end. */

/** `shown` with those that came, oldest first, in front of it; the oldest are dropped where there are more than `most`. */
export function bounded<T>(
  shown: readonly T[],
  came: readonly T[],
  most: number,
): { kept: T[]; dropped: boolean } {
  const all = came.slice(-most).reverse().concat(shown);
  return { kept: all.slice(0, most), dropped: came.length + shown.length > most };
}
