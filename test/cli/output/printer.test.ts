import { expect, it } from 'vitest'
import { toJson } from '../../../cli/output/printer.ts'

it('keeps every digit of an integer that no number of JavaScript holds', () => {
  expect(toJson({ type: 'result', value: 2n ** 64n } as { type: string })).toContain('"value":18446744073709551616}')
})
