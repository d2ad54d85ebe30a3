import { expect, it } from 'vitest'
import { escalate, type ShutdownLevel } from '../../../src/worker/shutdown.ts'

function levels(signals: NodeJS.Signals[], hasSoft = false): string[] {
  let current: ShutdownLevel | undefined
  const reached: string[] = []
  for (const signal of signals) {
    const level = escalate(current, signal, hasSoft)
    reached.push(level)
    if (level === 'hard') break
    current = level
  }
  return reached
}

it('each Ctrl-C is harder than the one before', () => {
  expect(levels(['SIGINT', 'SIGINT', 'SIGINT'])).toEqual(['warm', 'cold', 'hard'])
  expect(levels(['SIGINT', 'SIGINT', 'SIGINT', 'SIGINT'], true)).toEqual(['warm', 'soft', 'cold', 'hard'])
})

it('SIGQUIT ends what runs', () => {
  expect(levels(['SIGQUIT', 'SIGQUIT'])).toEqual(['cold', 'hard'])
  expect(levels(['SIGQUIT', 'SIGQUIT'], true)).toEqual(['soft', 'cold'])
  expect(levels(['SIGTERM', 'SIGQUIT'])).toEqual(['warm', 'cold'])
})

it('SIGTERM lets everything finish, however often it comes', () => {
  expect(levels(['SIGTERM', 'SIGTERM', 'SIGHUP'])).toEqual(['warm', 'warm', 'warm'])
  expect(levels(['SIGQUIT', 'SIGTERM'])).toEqual(['cold', 'cold'])
})
