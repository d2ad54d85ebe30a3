import { describe, expect, it } from 'vitest'
import { emitted, type StackEvent } from '../../compose/events.ts'

const warning = (message: string): StackEvent => ({ type: 'warning', message })

async function collect(events: AsyncIterable<StackEvent>): Promise<StackEvent[]> {
  const all: StackEvent[] = []
  for await (const event of events) all.push(event)
  return all
}

describe('emitted events', () => {
  it('come in order, frozen, and end with the work', async () => {
    const events = await collect(
      emitted(async (emit) => {
        emit(warning('one'))
        await Promise.resolve()
        emit(warning('two'))
      }),
    )
    expect(events).toEqual([warning('one'), warning('two')])
    expect(events.every((event) => Object.isFrozen(event))).toBe(true)
  })

  it('come before the failure of the work', async () => {
    const seen: StackEvent[] = []
    const read = async () => {
      const events = emitted(async (emit) => {
        emit(warning('one'))
        throw new Error('failed')
      })
      for await (const event of events) seen.push(event)
    }
    await expect(read()).rejects.toThrow('failed')
    expect(seen).toEqual([warning('one')])
  })

  it('abort the work of a reader who leaves, and wait for its end', async () => {
    let ended = false
    const events = emitted(async (emit, signal) => {
      emit(warning('one'))
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      ended = true
    })
    for await (const _ of events) break
    expect(ended).toBe(true)
  })
})
