// Runs in the page before its own scripts: what a reader would notice, by the page's own clock in milliseconds.
window.benchmark = (() => {
  const longTasks = [];
  const delays = [];
  const frames = [];
  const ends = [];
  let isCounting = false;
  let lastInput = 0;
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) longTasks.push([startTime, duration]);
  }).observe({ type: "longtask", buffered: true });
  for (const kind of ["keydown", "pointerdown"]) {
    const note = (event) => {
      lastInput = event.timeStamp;
      delays.push(performance.now() - event.timeStamp);
    };
    addEventListener(kind, note, { capture: true, passive: true });
  }

  const matches = (selector, pattern) => {
    const found = document.querySelector(selector);
    return found !== null && (pattern === "" || new RegExp(pattern).test(found.textContent));
  };
  /** When a frame begins after what is looked for is in the document: it is on the screen then. */
  const seen = (selector, pattern = "") =>
    new Promise((resolve) => {
      const observer = new MutationObserver(look);
      function look() {
        if (!matches(selector, pattern)) return;
        observer.disconnect();
        requestAnimationFrame(() => resolve(performance.now()));
      }
      observer.observe(document, { childList: true, subtree: true, attributes: true, characterData: true });
      look();
    });

  return {
    expected: Promise.resolve(0),
    expect(selector, pattern) {
      this.expected = seen(selector, pattern);
    },
    /** From the last key or press on. */
    async sinceInput() {
      return (await this.expected) - lastInput;
    },
    /** From when `act` is called on. */
    async after(act, selector, pattern) {
      const before = performance.now();
      const found = seen(selector, pattern);
      act();
      return (await found) - before;
    },
    /** Counts from now on. */
    begin() {
      for (const list of [longTasks, delays, frames, ends]) list.length = 0;
      isCounting = true;
      let last = performance.now();
      const frame = () => {
        if (!isCounting) return;
        const now = performance.now();
        frames.push(now - last);
        last = now;
        requestAnimationFrame(frame);
      };
      requestAnimationFrame(frame);
    },
    end() {
      isCounting = false;
      return { frames, delays, tasks: longTasks.map((one) => one[1]) };
    },
    tasks: () => longTasks,
    /** Of a log: when (since the epoch) a frame begins that shows the last line by then. */
    watchEnd() {
      const observer = new MutationObserver(() => {
        const all = document.querySelectorAll("a.number[data-line]");
        const last = Number(all[all.length - 1]?.dataset.line ?? 0);
        if (last <= (ends.at(-1)?.[1] ?? 0)) return;
        const entry = [0, last];
        ends.push(entry);
        requestAnimationFrame(() => (entry[0] = Date.now()));
      });
      observer.observe(document.body, { childList: true, subtree: true, characterData: true, attributes: true });
    },
    ends: () => ends,
    /** When a frame has shown that line. */
    endsWith: (line) =>
      new Promise((resolve) => {
        const look = () => {
          if (ends.some((one) => one[0] > 0 && one[1] === line)) resolve(line);
          else requestAnimationFrame(look);
        };
        look();
      }),
  };
})();
