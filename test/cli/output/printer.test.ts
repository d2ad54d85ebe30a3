import { expect, it } from 'vitest'
import type { Command } from '../../../cli/command.ts'
import type { Context } from '../../../cli/context.ts'
import { print, toJson } from '../../../cli/output/printer.ts'

it('keeps every digit of an integer that no number of JavaScript holds', () => {
  expect(toJson({ type: 'result', value: 2n ** 64n } as { type: string })).toContain('"value":18446744073709551616}')
})

it('lets a command close what it opened when its output cannot be shown', async () => {
  let isClosed = false
  async function* run() {
    try {
      yield { type: 'value' }
      yield { type: 'never' }
    } finally {
      isClosed = true
    }
  }
  const text = () => {
    throw new Error('no text for this')
  }
  const printing = print(run(), { text } as unknown as Command, { mode: 'plain' } as Context)
  await expect(printing).rejects.toThrow('no text for this')
  expect(isClosed).toBe(true)
})

it('says of a value that is no JSON that it is none', () => {
  const circle: Record<string, unknown> = {}
  circle.of = circle
  const event = { type: 'value', value: circle } as { type: string }
  expect(() => toJson(event)).toThrow(expect.objectContaining({ code: 'NOT_JSON' }))
})
