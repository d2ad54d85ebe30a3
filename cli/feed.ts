/** A stream that is fed from outside: what is pushed is handed out in order, until it ends or fails. */
export interface Fed<T> extends AsyncIterable<T> {
  push(item: T): void
  end(): void
  fail(error: unknown): void
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
