import { anyRun, fits, type Step } from '../wildcard.ts'

/**
 * Redis's glob (KEYS, SCAN, PSUBSCRIBE), compiled once: `*`, `?`, `[abc]`, `[^a-z]`, and `\` before what is meant
 * literally. Works on bytes; time is bounded by pattern × text, whatever the pattern.
 */
export function glob(pattern: string): (text: string) => boolean {
  const steps = compile(pattern)
  return (text) => fits(steps, text)
}

function compile(pattern: string): Step[] {
  const steps: Step[] = []
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at)
    if (char === '*') steps.push(anyRun)
    else if (char === '?') steps.push(() => true)
    else if (char === '[') {
      const set = readClass(pattern, at + 1)
      steps.push(set.test)
      at = set.end
    } else {
      if (char === '\\' && at + 1 < pattern.length) at += 1
      const literal = pattern.charAt(at)
      steps.push((other) => other === literal)
    }
  }
  return steps
}

/** The class that starts after a `[`; `end` is its `]`, or the last character of a class left open. */
function readClass(pattern: string, start: number): { test: (char: string) => boolean; end: number } {
  const negated = pattern.charAt(start) === '^'
  const ranges: [string, string][] = []
  let at = negated ? start + 1 : start
  for (; at < pattern.length && pattern.charAt(at) !== ']'; at++) {
    if (pattern.charAt(at) === '\\' && at + 1 < pattern.length) {
      at += 1
      ranges.push([pattern.charAt(at), pattern.charAt(at)])
    } else if (pattern.charAt(at + 1) === '-' && at + 2 < pattern.length) {
      ranges.push([pattern.charAt(at), pattern.charAt(at + 2)])
      at += 2
    } else ranges.push([pattern.charAt(at), pattern.charAt(at)])
  }
  const inside = (char: string) => ranges.some(([a, b]) => (a <= b ? a <= char && char <= b : b <= char && char <= a))
  return { test: (char) => inside(char) !== negated, end: at }
}
