import { afterEach, describe, expect, it } from 'vitest'
import type { ScheduleStore, Stored } from '../../src/beat/store.ts'

/** What not every store does; those that cannot say why. */
export type Ability = 'outlives its beat' | 'lets one send at a time'

/** What a store of last runs promises; each of its implementations runs the same cases. */
export function scheduleStoreConformance(
  /** Opens another one of the same place; a test begins with an empty place. */
  open: () => ScheduleStore | Promise<ScheduleStore>,
  cannot: { readonly [A in Ability]?: string } = {},
): void {
  const opened: ScheduleStore[] = []
  afterEach(() => Promise.all(opened.splice(0).map((store) => store.close())))

  async function store(): Promise<ScheduleStore> {
    const made = await open()
    opened.push(made)
    return made
  }

  async function acquired(): Promise<ScheduleStore> {
    const made = await store()
    await made.acquire(new AbortController().signal, () => {})
    return made
  }

  const itCan = (ability: Ability, title: string, test: () => Promise<void>) =>
    cannot[ability] ? it.skip(`${title} (cannot: ${cannot[ability]})`) : it(title, test)

  const stored = (lastRunAt: number): Stored => ({
    timezone: 'Europe/Berlin',
    enableUtc: true,
    entries: { 'every day, ö': { lastRunAt, totalRunCount: 7 }, never: { lastRunAt: 0, totalRunCount: 0 } },
  })

  it('knows nothing at first', async () => {
    expect(await (await acquired()).load()).toBeUndefined()
  })

  it('gives back what was saved last, whole', async () => {
    const it = await acquired()
    await it.save({ timezone: null, enableUtc: false, entries: { gone: { lastRunAt: 1, totalRunCount: 1 } } })
    await it.save(stored(1_764_000_000_123))
    expect(await it.load()).toEqual(stored(1_764_000_000_123))
  })

  it('may be closed twice, and without having been used', async () => {
    const it = await store()
    await it.close()
    await it.close()
  })

  itCan('outlives its beat', 'shows the next beat what was saved', async () => {
    const first = await acquired()
    await first.save(stored(5))
    await first.close()
    expect(await (await acquired()).load()).toEqual(stored(5))
  })

  describe('with several beats', () => {
    itCan('lets one send at a time', 'is for the first, until it is closed', async () => {
      const first = await acquired()
      const second = await store()
      const told = Promise.withResolvers<string>()
      const acquiring = second.acquire(new AbortController().signal, told.resolve)
      expect(await told.promise).toMatch(/^process \d+ on \S+$/)
      expect([await first.isMine(), await second.isMine()]).toEqual([true, false])
      await first.save(stored(5))
      await first.close()
      await acquiring
      expect(await second.isMine()).toBe(true)
      expect(await second.load()).toEqual(stored(5))
    })

    itCan('lets one send at a time', 'lets nobody save who does not hold it', async () => {
      const first = await acquired()
      const second = await store()
      await first.save(stored(5))
      await second.save(stored(6))
      expect(await first.load()).toEqual(stored(5))
    })

    itCan('lets one send at a time', 'leaves the lock of another alone when one is closed that waited', async () => {
      const first = await acquired()
      const second = await store()
      const waiting = new AbortController()
      const told = Promise.withResolvers<string>()
      const acquiring = second.acquire(waiting.signal, told.resolve)
      await told.promise
      waiting.abort(new Error('enough'))
      await expect(acquiring).rejects.toThrow('enough')
      await second.close()
      expect(await first.isMine()).toBe(true)
    })

    itCan('lets one send at a time', 'is for one of many who ask at once', async () => {
      const all = await Promise.all(Array.from({ length: 8 }, store))
      const waiting = new AbortController()
      const first = Promise.withResolvers<void>()
      const asking = all.map((each) => each.acquire(waiting.signal, () => {}).then(first.resolve, () => {}))
      await first.promise
      expect((await Promise.all(all.map((each) => each.isMine()))).filter(Boolean)).toHaveLength(1)
      waiting.abort()
      await Promise.all(asking)
    })
  })
}
