import { expect, it } from 'vitest'
import { eventWriter } from '../../../cli/remote/event-text.ts'
import type { ReceivedEvent } from '../../../src/index.ts'

const event = (type: string, fields: Partial<ReceivedEvent> = {}): ReceivedEvent =>
  ({ type, hostname: 'w1@box', timestamp: 1795166855.403064, ...fields }) as ReceivedEvent

it('events are written as Celery dumps them', () => {
  const write = eventWriter()
  const beat = event('worker-heartbeat', { freq: 2.5, active: 0, loadavg: [1, 0.5], sw_sys: 'Linux' })
  const received = { uuid: 'id', name: 'tasks.add', args: '(2, 3)', kwargs: '{}', eta: null, retries: 0 }
  const lines = [
    beat,
    event('worker-offline'),
    event('task-received', received),
    event('task-succeeded', { uuid: 'id', result: '5' }),
    event('task-started', { uuid: 'other', timestamp: 1795166855 }),
  ].map(write)
  expect(lines).toEqual([
    'w1@box [2026-11-20 09:27:35.403064+00:00] heartbeat: active=0, freq=2.5, loadavg=[1, 0.5], sw_sys=Linux',
    'w1@box [2026-11-20 09:27:35.403064+00:00] shutdown ',
    'w1@box [2026-11-20 09:27:35.403064+00:00] task received: tasks.add(id) args=(2, 3) kwargs={} eta=None, retries=0',
    'w1@box [2026-11-20 09:27:35.403064+00:00] task succeeded: tasks.add(id) args=(2, 3) kwargs={} result=5',
    'w1@box [2026-11-20 09:27:35+00:00] task started  ',
  ])
})

it('no event can look like two, or steer a terminal', () => {
  const line = eventWriter()(event('task-failed', { uuid: 'id', traceback: 'a\nb\x1b[2J' }))
  expect(line).toMatch(/traceback=a\\nb$/)
})
