/** A stream that is fed from outside: what is pushed is handed out in order, until it ends or fails. */
export interface Fed<T> extends AsyncIterable<T> {
  push(item: T): void
  end(): void
  fail(error: unknown): void
}

/** Several streams as one, in the order in which their items come; ends when the first does. Whoever made the others ends them. */
export async function* together<T>(...streams: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
  const all = feed<T>()
  const iterators = streams.map((stream) => stream[Symbol.asyncIterator]())
  for (const iterator of iterators) void pour(iterator, all)
  yield* all
}

async function pour<T>(from: AsyncIterator<T>, into: Fed<T>): Promise<void> {
  try {
    for (let next = await from.next(); !next.done; next = await from.next()) into.push(next.value)
    into.end()
  } catch (error) {
    into.fail(error)
  }
}

export function feed<T>(): Fed<T> {
  const waiting: T[] = []
  let wake = () => {}
  let isOver = false
  let failure: { error: unknown } | undefined
  const finish = (how?: { error: unknown }) => {
    isOver = true
    failure ??= how
    wake()
  }
  return {
    push(item) {
      waiting.push(item)
      wake()
    },
    end: () => finish(),
    fail: (error) => finish({ error }),
    async *[Symbol.asyncIterator]() {
      for (;;) {
        for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) yield item
        if (failure) throw failure.error
        if (isOver) return
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
}
