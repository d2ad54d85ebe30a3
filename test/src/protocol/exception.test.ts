import { describe, expect, it } from 'vitest'
import { parseExceptionInfo, RemoteError, toExceptionInfo } from '../../../src/protocol/exception.ts'

class OutOfStock extends Error {}

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

  it('that is malformed still gives an error to show', () => {
    expect(parseExceptionInfo('broken').exc_type).toBe('Exception')
    expect(parseExceptionInfo({ exc_type: 'X', exc_message: 5 })).toEqual({
      exc_type: 'X',
      exc_message: [],
      exc_module: 'builtins',
    })
  })
})
