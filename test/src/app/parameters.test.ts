import { describe, expect, it } from 'vitest'
import { bindArguments, describeParameters, parametersOf } from '../../../src/app/parameters.ts'

const methods = {
  plain(_x: number, _y: number) {},
  async later(_url: string, _retries = 3) {},
}

describe('parameters', () => {
  it.each([
    [(_x: number, _y: number) => 0, '_x, _y'],
    [async (_x: number) => 0, '_x'],
    [function named(_x: string, _y = ')', ..._rest: unknown[]) {}, '_x, _y = …, ...rest'],
    [methods.plain, '_x, _y'],
    [methods.later, '_url, _retries = …'],
    [({ a: _a }: { a: number }, _b: number) => 0, '{…}, _b'],
    [() => 0, ''],
    [Math.max, '...rest'],
  ])('are read from the source: %s', (fn, text) => {
    expect(describeParameters(parametersOf(fn as () => unknown))).toBe(text)
  })
})

describe('arguments', () => {
  const add = parametersOf((x: number, y: number, z = 0) => x + y + z)

  it('are bound by name as Python binds them', () => {
    expect(bindArguments('add', add, [1, 2])).toEqual([1, 2])
    expect(bindArguments('add', add, [1], { y: 2 })).toEqual([1, 2])
    expect(bindArguments('add', add, [], { y: 2, x: 1, z: 3 })).toEqual([1, 2, 3])
  })

  it.each([
    [[1], {}, 'add(x, y, z = …) is missing 1 argument: y'],
    [[], {}, 'add(x, y, z = …) is missing 2 arguments: x, y'],
    [[1, 2, 3, 4], {}, 'add(x, y, z = …) takes 3 arguments, got 4'],
    [[1, 2], { w: 1 }, "add(x, y, z = …) got an unexpected keyword argument 'w'"],
    [[1, 2], { x: 1 }, "add(x, y, z = …) got multiple values for argument 'x'"],
  ])('that do not fit are refused with the signature: %j %j', (args, kwargs, message) => {
    expect(() => bindArguments('add', add, args, kwargs)).toThrow(
      expect.objectContaining({ name: 'TypeError', code: 'TASK_ARGUMENTS', message }),
    )
  })

  it('beyond the declared ones go to a rest parameter', () => {
    const rest = parametersOf((_first: number, ..._others: number[]) => 0)
    expect(bindArguments('f', rest, [1, 2, 3])).toEqual([1, 2, 3])
  })
})
