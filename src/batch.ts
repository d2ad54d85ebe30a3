/**
 * Lets many who ask for one thing each be answered together: what is asked for in one turn of the event loop is asked
 * in one go, `most` at a time.
 *
 * @param ask gives an answer for each key, in their order
 * @example
 * const get = batched((keys) => redis.mget(...keys))
 * await Promise.all([get('a'), get('b')])   // one MGET
 */
export function batched<Key, Answer>(
  ask: (keys: readonly Key[]) => Promise<readonly Answer[]>,
  most = 1000,
): (key: Key) => Promise<Answer> {
  let waiting: Waiting<Key, Answer>[] = []
  const go = () => {
    const all = waiting
    waiting = []
    for (let from = 0; from < all.length; from += most) answer(ask, all.slice(from, from + most))
  }
  return (key) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(go)
      waiting.push({ key, resolve, reject })
    })
}

interface Waiting<Key, Answer> {
  readonly key: Key
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

function answer<Key, Answer>(
  ask: (keys: readonly Key[]) => Promise<readonly Answer[]>,
  waiting: readonly Waiting<Key, Answer>[],
): void {
  ask(waiting.map(({ key }) => key)).then(
    (answers) => waiting.forEach(({ resolve }, index) => void resolve(answers[index] as Answer)),
    (error: unknown) => waiting.forEach(({ reject }) => void reject(error)),
  )
}
