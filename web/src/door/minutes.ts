/** Check-ins by the minute, the present one last, kept up between two answers of the service. */

/** So many more came in the present minute; a check-in that was undone takes none away. */
export function arrived(minutes: readonly number[], more: number): readonly number[] {
  if (more <= 0 || minutes.length === 0) return minutes;
  return [...minutes.slice(0, -1), (minutes.at(-1) ?? 0) + more];
}

/** So many minutes are over. */
export function passed(minutes: readonly number[], count: number): readonly number[] {
  const gone = Math.min(count, minutes.length);
  return [...minutes.slice(gone), ...Array.from({ length: gone }, () => 0)];
}
