import { readOptions } from '../arguments.ts'
import { type Command, type CommandTable, read, write } from '../command.ts'
import { deadlineOf, type Way } from '../deadline.ts'
import { refuse } from '../redis-error.ts'

/** When a key runs out. */
export const expiryCommands = {
  expire: expireBy('ex', 'expire'),
  pexpire: expireBy('px', 'pexpire'),
  expireat: expireBy('exat', 'expireat'),
  pexpireat: expireBy('pxat', 'pexpireat'),
  persist: write(2, ({ db }, [key]) => (db.has(key) && db.persist(key) ? 1 : 0)),
  ttl: askDeadline((deadline, now) => inSeconds(deadline - now)),
  pttl: askDeadline((deadline, now) => deadline - now),
  expiretime: askDeadline(inSeconds),
  pexpiretime: askDeadline((deadline) => deadline),
} satisfies CommandTable

function expireBy(way: Way, name: string): Command {
  return write(-3, ({ db }, [key, amount, ...words]) => {
    const isAllowed = readCondition(words)
    const deadline = deadlineOf(way, amount, db.now(), name)
    if (!db.has(key) || !isAllowed(db.deadline(key), deadline)) return 0
    db.expireAt(key, deadline)
    return 1
  })
}

function readCondition(words: readonly string[]): (current: number | undefined, next: number) => boolean {
  const options = readOptions(words, { nx: 0, xx: 0, gt: 0, lt: 0 }, (word) => `ERR Unsupported option ${word}`)
  const { nx, xx, gt, lt } = options
  if (nx && (xx || gt || lt)) refuse('ERR NX and XX, GT or LT options at the same time are not compatible')
  if (gt && lt) refuse('ERR GT and LT options at the same time are not compatible')
  // A key that stays counts as one that runs out infinitely late.
  return (current = Infinity, next) =>
    !(nx && current < Infinity) && !(xx && current === Infinity) && !(gt && next <= current) && !(lt && next >= current)
}

/** Answers -2 when there is no such key, -1 when it stays. */
function askDeadline(answer: (deadline: number, now: number) => number): Command {
  return read(2, ({ db }, [key]) => {
    if (!db.has(key)) return -2
    const deadline = db.deadline(key)
    return deadline === undefined ? -1 : answer(deadline, db.now())
  })
}

function inSeconds(milliseconds: number): number {
  return Math.floor((milliseconds + 500) / 1000)
}
