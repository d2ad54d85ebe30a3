import { expect, it } from 'vitest'
import { run } from './process.ts'

it('ends a run with the skipped tests by name and one plain line', async () => {
  const config = `${import.meta.dirname}/fixtures/summary/vitest.config.ts`
  const { code, stdout } = await run('npx', ['vitest', 'run', '--config', config])
  expect(stdout.trim().split('\n')).toEqual([
    'skipped: what needs a moon (no moon: it is day) > is skipped',
    'skipped: a hook that throws > never runs',
    '1 passed, 3 failed, 2 skipped',
  ])
  expect(code).toBe(1)
})
