import { afterAll, beforeAll, expect, it } from 'vitest'
import { snakeCase } from '../../src/app/config/case.ts'
import { nameSettings } from '../../src/app/config/names.ts'
import { describeWith } from '../support/parts.ts'
import { type PythonClient, pythonClient } from '../support/python/client.ts'

describeWith(['python'], 'Celery’s own table of settings', () => {
  let python: PythonClient
  beforeAll(async () => {
    python = await pythonClient({ broker: 'memory://', backend: 'cache+memory://' })
  })
  afterAll(() => python.stop())

  it('has no name, old or new, that is not known here under the same new name', async () => {
    const pairs = await python.eval<[old: string, name: string][]>(
      '(exec("from celery.app.defaults import _TO_NEW_KEY"), list(_TO_NEW_KEY.items()))[1]',
    )
    expect(pairs.length).toBeGreaterThan(150)
    for (const [old, name] of pairs) {
      const named = [old, name].map((spelling) => Object.keys(nameSettings({ [spelling]: 1 })).map(snakeCase))
      expect(named, old).toEqual([[name], [name]])
    }
  })
})
