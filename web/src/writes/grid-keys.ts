/** Where the keys of a grid lead. Pure. */

export interface Place {
  readonly row: number;
  readonly column: number;
}

const PAGE = 10;

/** The place that a key leads to, within `rows` × `columns`; null for keys that do not move. */
export function moved(at: Place, key: string, isFar: boolean, rows: number, columns: number): Place | null {
  const to = (row: number, column: number): Place => ({ row: within(row, rows), column: within(column, columns) });
  switch (key) {
    case "ArrowUp": return to(isFar ? 0 : at.row - 1, at.column);
    case "ArrowDown": return to(isFar ? rows : at.row + 1, at.column);
    case "ArrowLeft": return to(at.row, isFar ? 0 : at.column - 1);
    case "ArrowRight": return to(at.row, isFar ? columns : at.column + 1);
    case "PageUp": return to(at.row - PAGE, at.column);
    case "PageDown": return to(at.row + PAGE, at.column);
    case "Home": return to(isFar ? 0 : at.row, 0);
    case "End": return to(isFar ? rows : at.row, columns);
    default: return null;
  }
}

function within(value: number, count: number): number {
  return Math.max(0, Math.min(value, count - 1));
}
