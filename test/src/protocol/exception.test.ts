import { describe, expect, it } from 'vitest'
import { parseExceptionInfo, RemoteError, remoteError, toExceptionInfo } from '../../../src/protocol/exception.ts'
import { repr } from '../../../src/protocol/repr.ts'

class OutOfStock extends Error {}

describe('the exception that a caller catches', () => {
  const info = (exc_module: string, exc_type: string, ...exc_message: unknown[]) => ({
    exc_module,
    exc_type,
    exc_message,
  })

  it.each([
    ['TypeError', TypeError],
    ['ValueError', RangeError],
    ['NameError', ReferenceError],
  ])("is JavaScript's own where Python's %s means the same", (type, Class) => {
    const error = remoteError(info('builtins', type, 'no good', 42), 'Traceback …')
    expect(error).toBeInstanceOf(Class)
    expect(error).toBeInstanceOf(RemoteError)
    expect(error).toMatchObject({ name: type, message: 'no good, 42', traceback: 'Traceback …' })
    expect(toExceptionInfo(error)).toEqual(info('builtins', type, 'no good', 42))
  })

  it("is of the caller's class, made with the arguments of the original", () => {
    class Shortage extends Error {
      readonly count: number
      constructor(item: string, count: number) {
        super(`only ${count} of ${item}`)
        this.count = count
      }
    }
    for (const classes of [{ Shortage }, { 'shop.Shortage': Shortage }]) {
      const error = remoteError(info('shop', 'Shortage', 'lamp', 3), null, classes)
      expect(error).toBeInstanceOf(Shortage)
      expect(error).toBeInstanceOf(RemoteError)
      expect(error).toMatchObject({ message: 'only 3 of lamp', count: 3, excModule: 'shop' })
    }
    expect(remoteError(info('other', 'Shortage'), null, { 'shop.Shortage': Shortage })).not.toBeInstanceOf(Shortage)
  })

  it('is a plain RemoteError for any other name, also those of every object, and for a class that refuses', () => {
    class Picky extends Error {
      constructor() {
        super()
        throw new Error('not like this')
      }
    }
    for (const type of ['KeyError', 'constructor', '__proto__', 'Picky']) {
      const error = remoteError(info('builtins', type, 'x'), null, { Picky })
      expect(error).toBeInstanceOf(RemoteError)
      expect(error).toMatchObject({ name: type, message: 'x' })
    }
    expect(new Error('x')).not.toBeInstanceOf(RemoteError)
  })
})

describe('an exception on the wire', () => {
  it.each([
    [new RangeError('no good'), 'builtins', 'ValueError', ['no good']],
    [new TypeError('x'), 'builtins', 'TypeError', ['x']],
    [new Error('x'), 'builtins', 'Exception', ['x']],
    [new Error(), 'builtins', 'Exception', []],
    ['just text', 'builtins', 'Exception', ['just text']],
  ])('is the Python class that means the same: %s', (thrown, module, type, args) => {
    expect(toExceptionInfo(thrown)).toEqual({ exc_module: module, exc_type: type, exc_message: args })
  })

  it('of the user’s own class is looked for beside the task', () => {
    const info = toExceptionInfo(new OutOfStock('lamp'), 'shop.orders')
    expect(info).toEqual({ exc_module: 'shop.orders', exc_type: 'OutOfStock', exc_message: ['lamp'] })
  })

  it('is what the error says it is', () => {
    const error = Object.assign(new Error('x'), { excModule: 'django.http', excType: 'Http404', excArgs: ['gone', 42] })
    expect(toExceptionInfo(error)).toEqual({
      exc_module: 'django.http',
      exc_type: 'Http404',
      exc_message: ['gone', 42],
    })
  })

  it('sends an argument that no serializer takes as its text', () => {
    const error = Object.assign(new Error('x'), { excArgs: [() => 1] })
    expect(toExceptionInfo(error).exc_message).toEqual([expect.stringContaining('=> 1')])
  })

  it('is rebuilt under its own name, and leaves again as it came', () => {
    const info = { exc_type: 'OutOfStock', exc_message: ['lamp', 3], exc_module: 'shop.orders' }
    const error = new RemoteError(info, 'Traceback …')
    expect([error.name, error.message, error.traceback]).toEqual(['OutOfStock', 'lamp, 3', 'Traceback …'])
    expect(toExceptionInfo(error)).toEqual(info)
  })

  it('shows arguments that JSON does not know', () => {
    const info = { exc_type: 'X', exc_message: [new Set([1]), 2n ** 70n, 'text'], exc_module: 'builtins' }
    expect(new RemoteError(info).message).toBe(`${repr(new Set([1]))}, 1180591620717411303424, text`)
  })

  it('that is malformed still gives an error to show', () => {
    expect(parseExceptionInfo('broken').exc_type).toBe('Exception')
    expect(parseExceptionInfo({ exc_type: 'X', exc_message: 5 })).toEqual({
      exc_type: 'X',
      exc_message: [],
      exc_module: 'builtins',
    })
  })
})
