/** Moving through a menu by key, as the ARIA Authoring Practices have it. */

/** Which of the entries `labels` a key leads to from the one at `at` (-1: none); undefined: the key is not of the menu. */
export function nextIn(labels: string[], at: number, key: string): number | undefined {
  const count = labels.length;
  if (count === 0) return undefined;
  if (key === "ArrowDown") return (at + 1) % count;
  if (key === "ArrowUp") return at < 0 ? count - 1 : (at - 1 + count) % count;
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  if (key.length !== 1 || key === " ") return undefined;
  for (let step = 1; step <= count; step++) {
    const found = (Math.max(at, -1) + step + count) % count;
    if (labels[found]?.toLowerCase().startsWith(key.toLowerCase())) return found;
  }
  return undefined;
}
