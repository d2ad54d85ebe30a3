import { setTimeout as pause } from 'node:timers/promises'

export interface UntilOptions {
  /** @default 10_000 */
  timeoutMs?: number
  /** @default 25 */
  everyMs?: number
  /** What is waited for, for the error at the deadline; a function when it is only known then. */
  describe: string | (() => string)
}

/**
 * Waits for a fact outside this process: asks again and again until the answer is truthy, and gives that answer.
 * Everything inside the process has an event to wait for; this is for the rest.
 *
 * @throws what `ask` throws, at once; an error with the description at the deadline.
 */
export async function until<Answer>(
  ask: () => Answer | Promise<Answer>,
  { timeoutMs = 10_000, everyMs = 25, describe }: UntilOptions,
): Promise<Exclude<Answer, undefined | null | false | 0 | ''>> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (answer) return answer as Exclude<Answer, undefined | null | false | 0 | ''>
    if (Date.now() > deadline) {
      throw new Error(`waited ${timeoutMs} ms for ${typeof describe === 'string' ? describe : describe()}`)
    }
    await pause(everyMs)
  }
}
