import { describe, expect, it } from 'vitest'
import { configure } from '../../../src/app/config.ts'

describe('settings', () => {
  it('have Celery’s defaults', () => {
    expect(configure({}, {})).toMatchObject({ taskDefaultQueue: 'celery', resultExpires: 86_400, resultBackend: null })
  })

  it('are accepted under Celery’s own names', () => {
    const snake = { task_default_queue: 'mails', result_expires: 60 } as object
    expect(configure(snake, {})).toMatchObject({ taskDefaultQueue: 'mails', resultExpires: 60 })
  })

  it('give way to the environment’s addresses', () => {
    const environment = { CELERY_BROKER_URL: 'redis://a', CELERY_RESULT_BACKEND: 'redis://b' }
    const settings = configure({ brokerUrl: 'redis://c', resultBackend: 'redis://d' }, environment)
    expect([settings.brokerUrl, settings.resultBackend]).toEqual(['redis://a', 'redis://b'])
  })

  it('that do not exist are refused with the nearest that do', () => {
    expect(() => configure({ taskDefaultQeue: 'x' } as object, {})).toThrow(
      expect.objectContaining({
        code: 'IMPROPERLY_CONFIGURED',
        message: "there is no setting 'taskDefaultQeue'",
        next: "The nearest setting is 'taskDefaultQueue'.",
      }),
    )
  })

  it('of the wrong kind are refused with what is wanted and what was given', () => {
    expect(() => configure({ resultExpires: '1 day' } as object, {})).toThrow(
      `the setting 'resultExpires' must be number, got "1 day"`,
    )
  })

  it('cannot be changed afterwards', () => {
    expect(Object.isFrozen(configure({}, {}))).toBe(true)
  })
})
