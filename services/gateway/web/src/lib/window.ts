/** Which rows of a long list are drawn. All rows are equally high, so this is arithmetic. */

export interface Slice {
  /** First row drawn. */
  first: number;
  /** Row behind the last one drawn. */
  end: number;
  /** Pixels above the first. */
  top: number;
  /** Pixels of the whole list. */
  height: number;
}

/** Rows drawn beyond what is seen, so that fast scrolling shows no gaps. */
const MARGIN = 8;

export function slice(total: number, rowHeight: number, scrollTop: number, viewHeight: number): Slice {
  const first = Math.max(0, Math.min(total, Math.floor(scrollTop / rowHeight)) - MARGIN);
  const end = Math.min(total, Math.ceil((scrollTop + viewHeight) / rowHeight) + MARGIN);
  return { first, end: Math.max(first, end), top: first * rowHeight, height: total * rowHeight };
}

/** Where to scroll so that a row is seen; the same place when it is. */
export function reveal(row: number, rowHeight: number, scrollTop: number, viewHeight: number): number {
  const top = row * rowHeight;
  if (top < scrollTop) {
    return top;
  }
  return top + rowHeight > scrollTop + viewHeight ? top + rowHeight - viewHeight : scrollTop;
}
