import { anyRun, fits, type Step } from './wildcard.ts'

/**
 * Python's fnmatch, compiled once: `*`, `?`, `[seq]`, `[!seq]`. Nothing is escaped, a `[` that is never closed stands
 * for itself, and a range that runs backwards holds nothing.
 *
 * @example
 * fnmatch('web-[0-9]@*')('web-3@host')   // true
 */
export function fnmatch(pattern: string): (text: string) => boolean {
  const steps = compile([...pattern])
  return (text) => fits(steps, [...text])
}

function compile(pattern: readonly string[]): Step[] {
  const steps: Step[] = []
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at]
    const end = char === '[' ? endOfSet(pattern, at + 1) : -1
    if (char === '*') steps.push(anyRun)
    else if (char === '?') steps.push(() => true)
    else if (end === -1) steps.push((other) => other === char)
    else {
      steps.push(oneOf(pattern.slice(at + 1, end)))
      at = end
    }
  }
  return steps
}

/** Where the `]` is; one that comes first is a member. */
function endOfSet(pattern: readonly string[], start: number): number {
  const first = pattern[start] === '!' ? start + 1 : start
  return pattern.indexOf(']', first + 1)
}

function oneOf(set: readonly string[]): (char: string) => boolean {
  const isNegated = set[0] === '!'
  const ranges: [from: string, to: string][] = []
  for (let at = isNegated ? 1 : 0; at < set.length; at++) {
    const from = set[at] ?? ''
    const to = set[at + 1] === '-' ? set[at + 2] : undefined
    ranges.push([from, to ?? from])
    if (to !== undefined) at += 2
  }
  return (char) => ranges.some(([from, to]) => from <= char && char <= to) !== isNegated
}
