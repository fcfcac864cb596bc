/** Places in a text, as the wire has them: bytes of UTF-8. */

/** From the first byte to the one after the last. */
export interface Span {
  start?: number | undefined;
  end?: number | undefined;
}

/** A run of text and the marks that cover it. */
export interface Piece<M> {
  text: string;
  marks: M[];
}

/** Cuts a text where marks begin and end. Marks may overlap; what lies outside the text is left out. */
export function pieces<M extends Span>(text: string, marks: readonly M[]): Piece<M>[] {
  const bytes = new TextEncoder().encode(text);
  const size = bytes.length;
  const inside = marks.filter((one) => (one.start ?? 0) >= 0 && (one.start ?? 0) < (one.end ?? 0) && (one.end ?? 0) <= size);
  const cuts = [...new Set([0, size, ...inside.flatMap((one) => [one.start ?? 0, one.end ?? 0])])].sort((a, b) => a - b);
  const decoder = new TextDecoder();
  return cuts.slice(1).flatMap((end, index) => {
    const start = cuts[index] ?? 0;
    const covering = inside.filter((one) => (one.start ?? 0) <= start && (one.end ?? 0) >= end);
    return [{ text: decoder.decode(bytes.subarray(start, end)), marks: covering }];
  });
}
