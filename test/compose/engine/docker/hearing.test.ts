import { describe, expect, it } from 'vitest'
import { type Hearing, hearNothing, signalNumber } from '../../../../compose/engine/docker/hearing.ts'

const none = '0000000000000000'
const term = '0000000000004000'

function process(pid: number, given: Partial<Hearing> = {}): Hearing {
  return { pid, stat: 'S', waitsIn: 'do_wait', blocked: none, ignored: none, caught: none, ...given }
}

const sigterm = 15

describe('a container of which nobody hears SIGTERM', () => {
  it('is one whose first process leaves it to the kernel, as `sleep` does', () => {
    expect(hearNothing([process(100, { waitsIn: 'hrtimer_nanosleep' })], 100, sigterm)).toBe(true)
  })

  it('may be a shell, which handles other signals, with children that handle none', () => {
    const shell = process(100, { caught: '0000000000010002' })
    expect(hearNothing([shell, process(101)], 100, sigterm)).toBe(true)
  })

  it('may be busy', () => {
    expect(hearNothing([process(100, { stat: 'Rs', waitsIn: '-' })], 100, sigterm)).toBe(true)
  })

  it.each([
    ['handles it', { caught: '0000000000014002' }],
    ['handles it, told in short', { caught: '<00014002' }],
    ['ignores it on purpose', { ignored: term }],
    ['has blocked it, to fetch it later', { blocked: term }],
    ['waits for signals, as tini does, whose sets are empty then', { waitsIn: 'do_sigtimedwait.isra.0' }],
    ['is suspended until a signal comes', { waitsIn: 'sigsuspend.isra.0' }],
    ['waits where nobody may look', { waitsIn: '-' }],
    ['has sets that cannot be read', { caught: '-' }],
  ] as const)('is none whose first process %s', (_, given) => {
    expect(hearNothing([process(100, given)], 100, sigterm)).toBe(false)
  })

  it('is none in which a child handles it, which runs on unwarned but has its time', () => {
    expect(hearNothing([process(100), process(101, { caught: term })], 100, sigterm)).toBe(false)
  })

  it('is none whose first process is not among those that are shown', () => {
    expect(hearNothing([process(101)], 100, sigterm)).toBe(false)
    expect(hearNothing([], 100, sigterm)).toBe(false)
  })
})

describe('a stop signal', () => {
  it.each([
    ['SIGTERM', 15],
    ['quit', 3],
    ['2', 2],
    ['SIGRTMIN+3', undefined],
    ['37', undefined],
    ['toString', undefined],
  ])('%s has the number %s', (name, number) => {
    expect(signalNumber(name)).toBe(number)
  })
})
