type Test = (char: string) => boolean
const anyRun = Symbol('*')

/**
 * Redis's glob (KEYS, SCAN, PSUBSCRIBE), compiled once: `*`, `?`, `[abc]`, `[^a-z]`, and `\` before what is meant
 * literally. Works on bytes; time is bounded by pattern × text, whatever the pattern.
 */
export function glob(pattern: string): (text: string) => boolean {
  const steps = compile(pattern)
  return (text) => matches(steps, text)
}

function matches(steps: readonly (Test | typeof anyRun)[], text: string): boolean {
  let step = 0
  let at = 0
  // Where to go on when a guess fails: the last * takes one character more. Earlier ones never need to.
  let retry: { step: number; at: number } | undefined
  while (at < text.length) {
    const test = steps[step]
    if (test === anyRun) {
      step += 1
      retry = { step, at }
    } else if (test?.(text.charAt(at))) {
      step += 1
      at += 1
    } else if (retry) {
      retry.at += 1
      step = retry.step
      at = retry.at
    } else return false
  }
  while (steps[step] === anyRun) step += 1
  return step === steps.length
}

function compile(pattern: string): (Test | typeof anyRun)[] {
  const steps: (Test | typeof anyRun)[] = []
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
function readClass(pattern: string, start: number): { test: Test; end: number } {
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
  const inside: Test = (char) => ranges.some(([a, b]) => (a <= b ? a <= char && char <= b : b <= char && char <= a))
  return { test: (char) => inside(char) !== negated, end: at }
}
