import { describe, expect, it } from 'vitest'
import type { Canvas } from '../../../src/canvas/canvas.ts'
import { compile } from '../../../src/canvas/compile.ts'
import { freeze, resultOf } from '../../../src/canvas/freeze.ts'
import { prepare } from '../../../src/canvas/prepare.ts'
import { chain, chord, chunks, group, map, signature, starmap } from '../../../src/canvas/signature.ts'
import type { ResultTuple } from '../../../src/protocol/result-meta.ts'
import { describeDeparture } from './fixtures/departure.ts'

const add = (...args: number[]) => signature<number>('add', args)
const mul = (...args: number[]) => signature<number>('mul', args)
const sum = () => signature<number>('sum')

function frozen(canvas: Canvas): Canvas {
  let count = 0
  const newId = () => `${++count}`
  const prepared = prepare(canvas)
  if (!prepared) throw new Error('nothing is left')
  return freeze(prepared, { newId })
}

const steps = (canvas: Canvas) => describeDeparture(compile(frozen(canvas)))

/** `5 < 4 < 2[1 3]`: a result, its ancestors, and the members of groups. */
function resultText([[id, parent], members]: ResultTuple): string {
  const own = members ? `${id}[${members.map(resultText).join(' ')}]` : id
  return parent ? `${own} < ${resultText(parent)}` : own
}

const result = (canvas: Canvas) => resultText(resultOf(frozen(canvas)))

describe('what is sent for', () => {
  it.each<[string, Canvas, string[]]>([
    ['a task', add(2, 2), ['send add(2, 2) #1']],
    ['a chain', chain(add(2, 2), add(5), mul(8)), ['send add(2, 2) #1, then add(5) #2 | mul(8) #3']],
    [
      'chains in chains',
      chain(chain(add(1, 1)), chain(add(2), chain(add(3)))),
      ['send add(1, 1) #1, then add(2) #2 | add(3) #3'],
    ],
    ['a chain of one', chain(add(1, 1)), ['send add(1, 1) #1']],
    ['a group', group(add(1, 1), add(2, 2)), ['send add(1, 1) #1, 0 of 3', 'send add(2, 2) #2, 1 of 3']],
    [
      'groups in groups',
      group(add(1, 1), group(add(2, 2), group(add(3, 3)))),
      ['send add(1, 1) #1, 0 of 4', 'send add(2, 2) #2, 1 of 4', 'send add(3, 3) #3, 2 of 4'],
    ],
    ['an empty group', group(), []],
    [
      'a chord',
      chord([add(1, 2), mul(3, 4)], sum()),
      [
        'expect 2 of 3, then sum() #4',
        'send add(1, 2) #1, 0 of 3, a part of #4',
        'send mul(3, 4) #2, 1 of 3, a part of #4',
      ],
    ],
    [
      'a group and what follows it',
      group(add(1, 1), add(2, 2)).pipe(sum()),
      [
        'expect 2 of 3, then sum() #4',
        'send add(1, 1) #1, 0 of 3, a part of #4',
        'send add(2, 2) #2, 1 of 3, a part of #4',
      ],
    ],
    [
      'a group inside a chain',
      chain(add(1, 1), group(add(2), add(3)), sum(), mul(2)),
      ['send add(1, 1) #1, then chord(group 4 [add(2) #2, add(3) #3], sum() #5 | mul(2) #6)'],
    ],
    [
      'a group of one inside a chain',
      chain(add(1, 1), group(add(2)), add(3)),
      ['send add(1, 1) #1, then add(2) #2 | add(3) #3'],
    ],
    ['an empty group inside a chain', chain(add(1, 1), group(), add(2)), ['send add(1, 1) #1, then add(2) #2']],
    [
      'a group at the end of a chain',
      chain(add(1, 1), group(add(2), add(3))),
      ['send add(1, 1) #1, then group 4 [add(2) #2, add(3) #3]'],
    ],
    [
      'a chord after a chord',
      chain(chord([add(1, 1)], sum()), chord([add(2), add(3)], sum())),
      [
        'expect 1 of 2, then sum() #3 | chord(group 6 [add(2) #4, add(3) #5], sum() #7)',
        'send add(1, 1) #1, 0 of 2, a part of #7',
      ],
    ],
    ['an empty header', chord([], sum()), ['send sum([]) #1']],
    [
      'an empty header inside a chain',
      chain(add(1, 1), chord([], sum()), mul(2)),
      ['send add(1, 1) #1, then sum([]) #2 | mul(2) #3'],
    ],
    [
      'a chain inside a header',
      chord([chain(add(1, 1), add(2)), add(3, 3)], sum()),
      ['expect 2 of 4, then sum() #5', 'send add(1, 1) #1, then add(2) #2', 'send add(3, 3) #3, 1 of 4, a part of #5'],
    ],
    [
      'a chord inside a header',
      chord([chord([add(1, 1), add(2, 2)], sum()), add(3, 3)], sum()),
      [
        'expect 2 of 6, then sum() #7',
        'expect 2 of 3, then sum() #4',
        'send add(1, 1) #1, 0 of 3, a part of #4',
        'send add(2, 2) #2, 1 of 3, a part of #4',
        'send add(3, 3) #5, 1 of 6, a part of #7',
      ],
    ],
    [
      'a header member that ends in a group, each of which counts',
      chord([chain(add(1, 1), group(add(2), add(3))), add(4, 4)], sum()),
      [
        'expect 3 of 6, then sum() #7',
        'send add(1, 1) #1, then group 4 [add(2) #2, add(3) #3]',
        'send add(4, 4) #5, 1 of 6, a part of #7',
      ],
    ],
    [
      'a body that is a group',
      chord([add(1, 1), add(2, 2)], group(sum(), sum())),
      [
        'expect 2 of 3, then group 6 [sum() #4, sum() #5]',
        'send add(1, 1) #1, 0 of 3, a part of #4 and #5',
        'send add(2, 2) #2, 1 of 3, a part of #4 and #5',
      ],
    ],
    [
      'chunks',
      chunks(
        signature('add'),
        [
          [1, 1],
          [2, 2],
          [3, 3],
        ],
        2,
      ),
      [
        `send ${starmap(signature('add'), [
          [1, 1],
          [2, 2],
        ])} #1, 0 of 3`,
        `send ${starmap(signature('add'), [[3, 3]])} #2, 1 of 3`,
      ],
    ],
  ])('%s', (_, canvas, expected) => {
    expect(steps(canvas)).toEqual(expected)
  })

  it('a map is one task that is given the other', () => {
    const { calls } = compile(
      frozen(
        map(signature('sum'), [
          [1, 2],
          [3, 4],
        ]),
      ),
    )
    expect(calls).toMatchObject([
      {
        task: 'celery.map',
        kwargs: {
          task: { task: 'sum' },
          it: [
            [1, 2],
            [3, 4],
          ],
        },
      },
    ])
  })

  it('nothing at all is nothing', () => {
    expect(prepare(chain())).toBeUndefined()
    expect(prepare(chain(chain(), chain()))).toBeUndefined()
  })
})

describe('the result', () => {
  it.each<[string, Canvas, string]>([
    ['of a chain leads back to its first step', chain(add(2, 2), add(5), mul(8)), '3 < 2 < 1'],
    ['of a group has those of its members', group(add(1, 1), group(add(2, 2), add(3, 3))), '4[1 2 3]'],
    [
      'of a chord is that of its body, and leads back to the header',
      chord([add(1, 1), add(2, 2)], sum()),
      '4 < 3[1 2]',
    ],
    [
      'of a chord that a chain leads to leads back to the chain',
      chain(add(1, 1), group(add(2), add(3)), sum(), mul(2)),
      '6 < 5 < 4[2 3] < 1',
    ],
    [
      'of a member that ends in a group is a group',
      group(chain(add(1, 1), group(add(2), add(3))), add(4, 4)),
      '6[4[2 3] < 1 5]',
    ],
  ])('%s', (_, canvas, expected) => {
    expect(result(canvas)).toBe(expected)
  })
})
