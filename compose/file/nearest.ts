import { closestMatch } from 'leven'

/** The candidate that is at most two typing mistakes away. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  return closestMatch(word, candidates, { maxDistance: Math.min(2, Math.floor(word.length / 2)) })
}
