import { describe, expect, it } from 'vitest'
import { failure, readable } from '../../../src/trace/failure.ts'

const cannotBeRead = { info: { exc_type: 'Exception', exc_message: ['the task threw something that cannot be read'] } }

describe('a failure', () => {
  it('shows what caused it, once, even when that goes round in a circle', () => {
    const [outer, inner] = [new Error('outer'), new Error('inner')]
    outer.cause = inner
    inner.cause = outer
    expect(failure(outer, 'tasks.a').traceback?.match(/Error: (outer|inner)/g)).toEqual([
      'Error: outer',
      'Error: inner',
    ])
  })

  it('of something that cannot be read says so', () => {
    const refuse = () => {
      throw new Error('no')
    }
    const trap = new Proxy({}, { getPrototypeOf: refuse, get: refuse, ownKeys: refuse })
    const getter = Object.defineProperty(new Error('x'), 'message', { get: refuse })
    for (const thrown of [trap, getter]) expect(failure(readable(thrown), 'tasks.a')).toMatchObject(cannotBeRead)
  })
})
