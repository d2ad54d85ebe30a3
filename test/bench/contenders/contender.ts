/** One way to run no-op tasks over a broker, empty at the start; every figure is taken in the process that asks. */
export interface Contender {
  readonly name: string
  /** Sends `count` tasks, a hundred at a time, each confirmed. Milliseconds. */
  publish(count: number): Promise<number>
  /** Runs what was published, and keeps the results. Milliseconds from the first to the last. */
  drain(count: number): Promise<number>
  /** Sends one task after the other and waits for each result. Milliseconds each. */
  roundTrips?(count: number): Promise<number[]>
  close(): Promise<void>
}

export type OpenContender = (url: string) => Promise<Contender>

/** Calls `action` so many times, at most a hundred at once, and tells how long that took in milliseconds. */
export async function inFlight(count: number, action: (index: number) => Promise<unknown>): Promise<number> {
  let next = 0
  const startedAt = performance.now()
  const lane = async () => {
    while (next < count) await action(next++)
  }
  await Promise.all(Array.from({ length: 100 }, lane))
  return performance.now() - startedAt
}

/** Calls `action` one time after the other: milliseconds each. */
export async function oneByOne(count: number, action: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const startedAt = performance.now()
    await action()
    times.push(performance.now() - startedAt)
  }
  return times
}
