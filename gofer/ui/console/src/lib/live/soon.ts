/** Work with the next picture, however often it is asked for meanwhile. */

/** A tab that is hidden draws no pictures, not even one that was asked for before: it waits so many milliseconds. */
const LATEST = 250;

/** Does `work` once, soon. Returns what calls it off. */
export function soon(work: () => void): () => void {
  const cancel = (): void => {
    clearTimeout(timer);
    cancelAnimationFrame(frame);
  };
  const run = (): void => {
    cancel();
    work();
  };
  const timer = setTimeout(run, LATEST);
  const frame = requestAnimationFrame(run);
  return cancel;
}
