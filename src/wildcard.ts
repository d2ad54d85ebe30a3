/** One place of a pattern: a test of one character, or any run of characters. */
export type Step = ((char: string) => boolean) | typeof anyRun

export const anyRun: unique symbol = Symbol('*')

/** Whether the whole text fits; time is bounded by steps × text, whatever the pattern. */
export function fits(steps: readonly Step[], text: ArrayLike<string>): boolean {
  let step = 0
  let at = 0
  // Where to go on when a guess fails: the last * takes one character more. Earlier ones never need to.
  let retry: { step: number; at: number } | undefined
  while (at < text.length) {
    const test = steps[step]
    if (test === anyRun) {
      step += 1
      retry = { step, at }
    } else if (test?.(text[at] ?? '')) {
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
