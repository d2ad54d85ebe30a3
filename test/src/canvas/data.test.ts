import { describe, expect, it } from 'vitest'
import { chain, chord, signature, signatureFromJSON } from '../../../src/canvas/signature.ts'

const add = (...args: number[]) => signature<number>('add', args)

describe('the wire form of a workflow', () => {
  it('is read as it was written', () => {
    const given = chain(add(1, 2), chord([add(1), chain(add(2), add(3))], signature('sum').link(add(4))))
    const text = JSON.stringify(given)
    expect(JSON.stringify(signatureFromJSON(JSON.parse(text)))).toBe(text)
  })

  it.each([
    ['a chord without a body', { subtask_type: 'chord', kwargs: { header: [] } }, 'a chord has no body'],
    [
      'a chain of something else',
      { subtask_type: 'chain', kwargs: { tasks: [7] } },
      'a part of a workflow is no signature',
    ],
    ['a group without members', { subtask_type: 'group', kwargs: {} }, 'a part of a workflow is no signature'],
    ['a link that is none', { options: { link: [3] } }, 'a part of a workflow is no signature'],
  ])('is refused in words: %s', (_what, data, message) => {
    const refusal = expect.objectContaining({ code: 'DECODE_ERROR', message })
    expect(() => signatureFromJSON({ task: 'x', ...data })).toThrow(refusal)
  })

  it('is not written when it is so deep that nobody could read it', () => {
    const deep = Array.from({ length: 1000 }).reduce<ReturnType<typeof add>>((inner) => chord([add(1)], inner), add())
    expect(() => JSON.stringify(deep)).toThrow(expect.objectContaining({ code: 'ENCODE_ERROR' }))
  })
})
