import { render } from 'ink-testing-library'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EventsScreen } from '../../../cli/ui/screens/events.tsx'
import { Cluster, type ReceivedEvent, type Replies, type Said } from '../../../src/index.ts'
import { until } from '../../support/wait.ts'

let cluster: Cluster
let orders: string[]
let screen: ReturnType<typeof render>

const tell = (type: string, fields: Partial<ReceivedEvent>) =>
  cluster.event({
    ...{ type, hostname: 'w1@box', timestamp: 1795166855, local_received: 1795166855, pid: 1, clock: 1, utcoffset: 0 },
    ...fields,
  })

const shows = (text: string) =>
  until(() => screen.lastFrame()?.includes(text), { describe: () => `"${text}" in:\n${screen.lastFrame()}` })

beforeEach(() => {
  cluster = new Cluster()
  orders = []
  tell('worker-heartbeat', { freq: 2 })
  tell('task-received', { uuid: 'first-id', name: 'tasks.add', args: '(1, 1)', kwargs: '{}', clock: 2 })
  tell('task-received', { uuid: 'second-id', name: 'tasks.boom', args: '()', kwargs: '{}', clock: 3 })
  tell('task-failed', { uuid: 'second-id', exception: "ValueError('no')", traceback: 'line one\nline two', clock: 4 })
  const replied = async (order: string): Promise<Replies<Said>> => {
    orders.push(order)
    return { 'w1@box': { ok: `${order} done` } }
  }
  const given = {
    revoke: (id: string) => replied(`revoke ${id}`),
    rateLimit: (task: string, rate: string) => replied(`rate ${task} ${rate}`),
  }
  screen = render(<EventsScreen cluster={cluster} orders={given} now={() => 1795166856_000} />)
})

afterEach(() => screen.unmount())

const press = async (key: string, text: string) => {
  screen.stdin.write(key)
  await shows(text)
}

describe('the screen of events', () => {
  it('shows tasks, the newest first, and who is online', async () => {
    await shows('Workers online: w1@box')
    const frame = screen.lastFrame() ?? ''
    expect(frame).toContain('events: 4 tasks:2 workers:1/1')
    expect(frame.indexOf('second-id')).toBeLessThan(frame.indexOf('first-id'))
    expect(frame).toMatch(/second-id +tasks\.boom +w1@box +09:27:35 FAILURE/)
  })

  it('shows what comes later', async () => {
    tell('task-succeeded', { uuid: 'first-id', result: '2', clock: 5 })
    await shows('SUCCESS')
  })

  it('goes up and down, and tells of the selected task', async () => {
    await shows('No task selected')
    await press('j', "exception: ValueError('no')")
    await press('j', 'args: (1, 1)')
    await press('k', "exception: ValueError('no')")
  })

  it('has pages for details, traceback and result', async () => {
    await press('j', 'Selected:')
    await press('t', 'line two')
    await press(' ', 'Selected:')
    await press('r', 'Task Result for second-id')
    await press(' ', 'Selected:')
    await press('i', 'Task details for second-id')
  })

  it('revokes, and sets a rate limit', async () => {
    await press('j', 'Selected:')
    await press('c', 'w1@box: revoke second-id done')
    await press(' ', 'Selected:')
    await press('l', 'New rate limit:')
    await press('1', 'New rate limit: 1')
    await press('0/m', 'New rate limit: 10/m')
    await press('\r', 'w1@box: rate tasks.boom 10/m done')
    expect(orders).toEqual(['revoke second-id', 'rate tasks.boom 10/m'])
  })
})
