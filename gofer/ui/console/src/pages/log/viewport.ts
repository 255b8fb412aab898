/** Which rows are in view, and where: for millions of rows of uneven height.
 *
 * What is seen hangs on an anchor: a row, and where its top stands. Scrolling a little moves the anchor by exactly so
 * many pixels; scrolling far goes to the row at that share of the whole. So no row's height has to be known but of
 * those in view, rows that come or turn out higher than thought never move what is seen, and the scrolled box may be
 * much lower than all the rows together, as browsers allow no box of 40 million pixels. When the reader pauses,
 * the scroll bar is put where the anchor is (`sync`).
 */

/** The most pixels of the scrolled box; exact in the browsers' numbers. */
const TALLEST = 6_000_000;
/** What is more than this at once, in pixels, is a jump and no movement. */
const JUMP = 3000;
const REMEMBERED = 4000;

export interface Placed {
  /** Of the rendered rows' top in the scrolled box. */
  top: number;
  /** Of the scrolled box. */
  height: number;
  /** Where to scroll to, if anywhere. */
  scrollTop: number | undefined;
}

export class Viewport {
  rows = 0;
  /** Of the window, in pixels. */
  height = 0;
  /** Whether the last row stays in view, whatever comes. */
  following = false;
  row = 1;
  /** Of the anchor row's top, from the window's top. */
  offset = 0;

  #line: number;
  #heights = new Map<number, number>();
  #scrollTop = 0;
  #boxHeight = 0;
  #first = 1;
  #last = 0;
  #measured = 0;
  #measuredSum = 0;
  #mustSync = true;

  /** `line`: the height of a row of one line. */
  constructor(line: number) {
    this.#line = line;
  }

  get estimate(): number {
    return this.#measured === 0 ? this.#line : this.#measuredSum / this.#measured;
  }

  heightOf(row: number): number {
    return this.#heights.get(row) ?? this.estimate;
  }

  /** What a row turned out to be. */
  measure(row: number, height: number): void {
    if (this.#heights.get(row) === height) return;
    if (!this.#heights.has(row)) {
      this.#measured += 1;
      this.#measuredSum += height;
    }
    this.#heights.set(row, height);
    if (this.#heights.size > REMEMBERED) {
      for (const old of this.#heights.keys()) {
        if (this.#heights.size <= REMEMBERED / 2) break;
        if (old < this.#first || old > this.#last) this.#heights.delete(old);
      }
    }
  }

  /** No height is what it was: of another width, or other rows. */
  forget(line = this.#line): void {
    this.#line = line;
    this.#heights.clear();
    this.#measured = this.#measuredSum = 0;
    this.#mustSync = true;
  }

  /** Puts a row at `share` of the window's height: 0 at its top. */
  show(row: number, share = 0): void {
    this.following = false;
    this.row = Math.min(Math.max(row, 1), Math.max(this.rows, 1));
    this.offset = Math.round(this.height * share);
    this.#mustSync = true;
  }

  isInView(row: number): boolean {
    let top = this.offset;
    for (let one = this.row; one < row && top < this.height; one++) top += this.heightOf(one);
    return row >= this.row && top >= 0 && top + this.heightOf(row) <= this.height;
  }

  follow(): void {
    this.following = true;
    this.#mustSync = true;
  }

  sync(): void {
    this.#mustSync = true;
  }

  /** The window is so high now, and its top so many pixels lower than it was: what is seen stays where it is. */
  resize(height: number, lowered: number): void {
    this.height = height;
    if (this.row > 1 || this.offset < 0) this.offset -= lowered;
    this.#mustSync = true;
  }

  /** The box was scrolled, by the reader or by what `place` has said. */
  scrolled(to: number): void {
    const delta = to - this.#scrollTop;
    this.#scrollTop = to;
    if (Math.abs(delta) < 0.5) return;
    const most = this.#boxHeight - this.height;
    if (delta < 0) this.following = false;
    if (to <= 0) this.show(1);
    else if (to >= most - 1) this.follow();
    else if (Math.abs(delta) > JUMP) this.#jump(to / most);
    else this.offset -= delta;
    // Before an end of the box is reached without an end of the rows.
    if (to < 2 * this.height || to > most - 2 * this.height) this.#mustSync = true;
  }

  /** The rows to render: those in view, and `over` pixels more on both sides. */
  window(over: number): { first: number; last: number } {
    if (this.rows === 0) {
      this.#first = 1;
      this.#last = 0;
    } else {
      this.#settle();
      let first = this.row;
      for (let top = this.offset; first > 1 && top > -over; first--) top -= this.heightOf(first - 1);
      let last = this.row;
      let bottom = this.offset + this.heightOf(last);
      for (; last < this.rows && bottom < this.height + over; last++) bottom += this.heightOf(last + 1);
      this.#first = first;
      this.#last = last;
    }
    return { first: this.#first, last: this.#last };
  }

  /** Whether the rows of the last `window`, as measured since, fill what is in view. */
  covers(): boolean {
    if (this.rows === 0) return true;
    this.#settle();
    const top = this.offset - this.#sum(this.#first, this.row - 1);
    const bottom = this.offset + this.#sum(this.row, this.#last);
    const isInside = this.row >= this.#first && this.row <= this.#last;
    return isInside && (top <= 0 || this.#first === 1) && (bottom >= this.height || this.#last === this.rows);
  }

  /** Where the rendered rows go, once they are measured. */
  place(): Placed {
    const above = this.#sum(this.#first, this.row - 1);
    const all = this.#sum(this.#first, this.#last);
    const isAll = this.#first === 1 && this.#last >= this.rows;
    this.#boxHeight = Math.max(
      this.height,
      isAll ? all : Math.min(TALLEST, Math.ceil(this.rows * this.estimate)),
    );
    let scrollTop: number | undefined;
    const top = this.#scrollTop + this.offset - above;
    const isOut = top < 0 || top + all > this.#boxHeight + 1;
    if (this.#mustSync || this.following || isOut) {
      const ideal = Math.round(this.#ideal(above, all));
      if (Math.abs(ideal - this.#scrollTop) >= 1) scrollTop = this.#scrollTop = ideal;
      this.#mustSync = false;
    }
    return { top: this.#scrollTop + this.offset - above, height: this.#boxHeight, scrollTop };
  }

  /** The anchor becomes the first row in view; neither end of the rows leaves a gap. */
  #settle(): void {
    if (this.following) {
      this.row = this.rows;
      this.offset = this.height - this.heightOf(this.rows);
    }
    this.row = Math.min(Math.max(this.row, 1), this.rows);
    this.#normalise();
    const bottom = this.#bottom();
    if (bottom !== undefined && bottom < this.height) {
      this.offset += this.height - bottom;
      this.#normalise();
    }
    if (this.row === 1 && this.offset > 0) this.offset = 0;
  }

  #normalise(): void {
    while (this.offset > 0 && this.row > 1) {
      this.row -= 1;
      this.offset -= this.heightOf(this.row);
    }
    while (this.row < this.rows && this.offset + this.heightOf(this.row) <= 0) {
      this.offset += this.heightOf(this.row);
      this.row += 1;
    }
  }

  /** Where the last row ends, if that may be in view. */
  #bottom(): number | undefined {
    let bottom = this.offset;
    for (let row = this.row; row <= this.rows; row++) {
      bottom += this.heightOf(row);
      if (bottom >= this.height) return undefined;
    }
    return bottom;
  }

  #jump(share: number): void {
    const inView = this.height / this.estimate;
    const place = share * Math.max(0, this.rows - inView);
    this.row = Math.min(Math.floor(place) + 1, this.rows);
    this.offset = -(place % 1) * this.heightOf(this.row);
  }

  #ideal(above: number, all: number): number {
    const most = this.#boxHeight - this.height;
    if (this.#first === 1) return above - this.offset;
    if (this.#last >= this.rows) return most - (all - above + this.offset - this.height);
    const inView = this.height / this.estimate;
    const place = this.row - 1 - this.offset / this.heightOf(this.row);
    const share = (place / Math.max(1, this.rows - inView)) * most;
    const margin = Math.min(2 * this.height, most / 2);
    return Math.min(Math.max(share, margin), most - margin);
  }

  #sum(first: number, last: number): number {
    let sum = 0;
    for (let row = first; row <= last; row++) sum += this.heightOf(row);
    return sum;
  }
}
