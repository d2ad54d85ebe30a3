import { afterEach, describe, expect, it, vi } from 'vitest'
import { bugReport } from '../../../src/app/bug-report.ts'
import { configure } from '../../../src/app/config/configure.ts'
import { settingsForPeople } from '../../../src/app/config/humanize.ts'
import { inertSettings, notSupportedYet, withoutEffect } from '../../../src/app/config/inert.ts'
import { nameSettings } from '../../../src/app/config/names.ts'
import { settingsTable } from '../../../src/app/config.ts'
import { Celery } from '../../../src/celery.ts'

const settings = (given: object) => configure(nameSettings({ ...given }), {})

const refused = (message: string, next?: string) =>
  expect.objectContaining({ code: 'IMPROPERLY_CONFIGURED', message, ...(next && { next }) })

describe('settings', () => {
  it('have Celery’s defaults', () => {
    expect(settings({})).toMatchObject({ taskDefaultQueue: 'celery', resultExpires: 86_400, resultBackend: null })
  })

  it('give way to the environment’s addresses', () => {
    const environment = { CELERY_BROKER_URL: 'redis://a', CELERY_RESULT_BACKEND: 'redis://b' }
    const { brokerUrl, resultBackend } = configure({ brokerUrl: 'redis://c', resultBackend: 'redis://d' }, environment)
    expect([brokerUrl, resultBackend]).toEqual(['redis://a', 'redis://b'])
  })

  it('of the wrong kind are refused with what is wanted and what was given', () => {
    const refusal = refused(`the setting 'resultExpires' must be seconds (a number, 0 or more); got '1 day'`)
    expect(() => settings({ resultExpires: '1 day' })).toThrow(refusal)
  })

  it('takes several addresses of brokers that stand in for each other', () => {
    expect(configure({ brokerUrl: ['amqp://a', 'amqp://b'] }, {}).brokerUrl).toBe('amqp://a;amqp://b')
    expect(() => configure({ brokerUrl: [] }, {})).toThrow(/'brokerUrl' must be/)
  })

  it('show no password in a refusal', () => {
    expect(() => settings({ resultBackend: ['amqp://me:secret@host//'] })).toThrow(/got \[ 'amqp:\/\/me:\*\*@host/)
  })

  it('with parts keep the defaults of the parts that are not given', () => {
    const { taskPublishRetryPolicy } = settings({ taskPublishRetryPolicy: { max_retries: 5 } })
    expect(taskPublishRetryPolicy).toEqual({ maxRetries: 5, intervalStart: 0, intervalStep: 0.2, intervalMax: 1 })
  })

  it('with parts name the part that is wrong', () => {
    expect(() => settings({ brokerTransportOptions: { visibilityTimeout: 'long' } })).toThrow(
      /'brokerTransportOptions\.visibilityTimeout' must be seconds/,
    )
    expect(() => settings({ taskPublishRetryPolicy: { max: 1 } })).toThrow(
      refused("the setting 'taskPublishRetryPolicy' has no 'max'"),
    )
  })

  it('say whether messages outlive the broker', async () => {
    for (const [given, sent] of [['transient', 1] as const, [2, 2] as const]) {
      const app = new Celery('test', { brokerUrl: 'memory://', taskDefaultDeliveryMode: given })
      expect(app.route({ task: 'a', args: [], kwargs: {}, options: {} }).options.deliveryMode).toBe(sent)
    }
    expect(() => settings({ taskDefaultDeliveryMode: 3 })).toThrow("must be 1 ('transient') or 2 ('persistent'); got 3")
  })

  it('cannot be changed afterwards', () => {
    expect(Object.isFrozen(settings({}))).toBe(true)
  })
})

describe('names of settings', () => {
  it.each(['taskDefaultQueue', 'task_default_queue', 'CELERY_DEFAULT_QUEUE'])('are accepted as %s', (name) => {
    expect(nameSettings({ [name]: 'mails' })).toEqual({ taskDefaultQueue: 'mails' })
  })

  it('from before Celery 4 may stand beside new ones', () => {
    const old = { BROKER_URL: 'redis://a', CELERYD_CONCURRENCY: 2, CELERYBEAT_SCHEDULE: {}, task_track_started: true }
    const named = { brokerUrl: 'redis://a', workerConcurrency: 2, beatSchedule: {}, taskTrackStarted: true }
    expect(nameSettings(old)).toEqual(named)
  })

  it('with a namespace live among other things', () => {
    const django = { DEBUG: true, CELERY_TASK_DEFAULT_QUEUE: 'mails', CELERY_BROKER_URL: 'redis://a' }
    expect(nameSettings(django, 'CELERY')).toEqual({ taskDefaultQueue: 'mails', brokerUrl: 'redis://a' })
  })

  it('for one setting with two values are refused', () => {
    const twice = { resultExpires: 1, CELERY_TASK_RESULT_EXPIRES: 2 }
    const refusal = refused("'resultExpires' and 'CELERY_TASK_RESULT_EXPIRES' are one setting with two values")
    expect(() => nameSettings(twice)).toThrow(refusal)
    expect(nameSettings({ ...twice, resultExpires: 2 })).toEqual({ resultExpires: 2 })
  })

  it.each([
    ['taskDefaultQeue', 'taskDefaultQueue'],
    ['task_default_qeue', 'task_default_queue'],
    ['CELERY_TASK_DEFAULT_QUEUE', 'CELERY_DEFAULT_QUEUE'],
    ['CELERYD_CONCURENCY', 'CELERYD_CONCURRENCY'],
  ])('that nobody knows are refused with the nearest that is known: %s', (name, nearest) => {
    const refusal = refused(`there is no setting '${name}'`, `The nearest setting is '${nearest}'.`)
    expect(() => nameSettings({ [name]: 1 })).toThrow(refusal)
  })

  it('are each in one list only', () => {
    const all = [...Object.keys(settingsTable), ...Object.keys(notSupportedYet), ...withoutEffect]
    expect(all.filter((name, at) => all.indexOf(name) !== at)).toEqual([])
  })
})

describe('settings that do not act here', () => {
  it('are told apart: without effect, not supported yet, in force already', () => {
    const given = nameSettings({ mongodb_backend_settings: {}, worker_timer: 'x', task_protocol: 1, enable_utc: true })
    expect(inertSettings(given)).toEqual([
      'settings known to Celery, without effect here: mongodbBackendSettings, workerTimer',
      'the setting taskProtocol is not supported yet; it is as with 2',
    ])
  })

  it('make an app warn', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    new Celery('test', { brokerUrl: 'memory://', task_protocol: 1 } as object)
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('taskProtocol'), 'CelerySettingWarning')
    warn.mockRestore()
  })
})

describe('the settings of an app', () => {
  let app: Celery
  afterEach(() => app.close())

  it('may be given in several steps, the later ones over the earlier', () => {
    app = new Celery('test', { brokerUrl: 'memory://steps', taskTrackStarted: true, taskDefaultQueue: 'a' })
    app.configure({ taskDefaultQueue: 'b' })
    app.configFromObject({ CELERY_RESULT_EXPIRES: 5 }, { namespace: 'CELERY' })
    expect(app.conf).toMatchObject({ taskTrackStarted: true, taskDefaultQueue: 'b', resultExpires: 5 })
  })

  it('may be the exports of a module', async () => {
    app = new Celery('test')
    await app.configFromFile('test/src/app/fixtures/exports.ts')
    expect(app.conf).toMatchObject({ brokerUrl: 'memory://exports', taskDefaultQueue: 'exported' })
    await app.configFromFile('test/src/app/fixtures/default.ts')
    expect(app.conf.taskDefaultQueue).toBe('by default')
  })

  it('may be in a module that the environment names', async () => {
    app = new Celery('test')
    await expect(app.configFromEnvvar('NO_SUCH_VARIABLE')).rejects.toThrow('the environment has no NO_SUCH_VARIABLE')
    vi.stubEnv('CELERY_CONFIG_MODULE', 'test/src/app/fixtures/default.ts')
    await app.configFromEnvvar()
    vi.unstubAllEnvs()
    expect(app.conf.taskDefaultQueue).toBe('by default')
  })

  it('stand once there is a connection', async () => {
    app = new Celery('test', { brokerUrl: 'memory://stand' })
    await app.transport()
    expect(() => app.configure({ taskDefaultQueue: 'b' })).toThrow('settings cannot change once a connection was made')
  })

  it('show no secrets to people', () => {
    app = new Celery('test', {
      brokerUrl: 'amqp://me:secret@host//',
      resultBackend: 'redis://:secret@host/0',
      taskPublishRetryPolicy: { maxRetries: 1 },
    })
    expect(settingsForPeople(app.conf)).toEqual({
      broker_url: 'amqp://me:**@host//',
      result_backend: 'redis://:**@host/0',
      task_publish_retry_policy: { maxRetries: 1, intervalStart: 0, intervalStep: 0.2, intervalMax: 1 },
    })
    expect(bugReport(app)).toMatch(
      /transport:amqp results:redis:\/\/:\*\*@host\/0\n\nbroker_url: 'amqp:\/\/me:\*\*@host/,
    )
    app.configure({ taskRoutes: [[/^web\./, 'web'], () => null] as never, brokerUrl: 'memory://' })
    expect(settingsForPeople(app.conf).task_routes).toEqual([['/^web\\./', 'web'], '[Function (anonymous)]'])
    expect(settingsForPeople(app.conf, { withDefaults: true })).toMatchObject({ task_default_queue: 'celery' })
  })
})
