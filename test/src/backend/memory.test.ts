import { describe, expect, it } from 'vitest'
import { openBackend } from '../../../src/backend/open.ts'
import { ManualClock } from '../../../src/clock.ts'
import { resultMeta } from '../../../src/protocol/result-meta.ts'
import { backendConformance } from '../../conformance/backend.ts'

describe('memory backend', () => {
  backendConformance((options) => openBackend('memory://conformance', options))

  it('forgets a result when its time is over', async () => {
    const clock = new ManualClock()
    const backend = await openBackend('memory://expiry', { clock, resultExpires: 60 })
    await backend.store(resultMeta({ task_id: 'a', status: 'SUCCESS' }, 0))
    clock.advance(59_000)
    expect(await backend.get('a')).toBeDefined()
    clock.advance(2_000)
    expect(await backend.get('a')).toBeUndefined()
    await backend.close()
  })
})

describe('no backend', () => {
  it('stores nothing and says so to those who ask', async () => {
    const backend = await openBackend(null)
    await backend.store(resultMeta({ task_id: 'a', status: 'SUCCESS' }, 0))
    await expect(backend.get('a')).rejects.toMatchObject({ code: 'BACKEND_DISABLED' })
  })

  it('is named when its scheme is unknown', async () => {
    await expect(openBackend('mongodb://u:secret@h/db')).rejects.toThrow(
      'no result backend for mongodb://u:**@h/db; there are disabled, memory,',
    )
  })
})
