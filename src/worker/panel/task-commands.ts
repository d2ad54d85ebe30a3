import type { RequestInfo, TaskPlace } from '../../control/inspect.ts'
import { isoDate } from '../../protocol/json.ts'
import type { Request } from '../request.ts'
import { type Commands, type PanelTarget, texts } from './target.ts'

/** The tasks that a worker has in hand. */
export const taskCommands: Commands = {
  active: {
    kind: 'inspect',
    help: 'tasks that run now',
    alias: 'dump_active',
    run: (worker) => [...worker.state.active].map((request) => describe(request, worker)),
  },
  reserved: {
    kind: 'inspect',
    help: 'tasks in hand that wait for a place',
    alias: 'dump_reserved',
    run: (worker) => waiting(worker).map((request) => describe(request, worker)),
  },
  scheduled: {
    kind: 'inspect',
    help: 'tasks in hand that wait for their time',
    alias: 'dump_schedule',
    run: (worker) =>
      worker.scheduled().map(({ request, untilMs }) => ({
        eta: isoDate(new Date(untilMs)),
        priority: 6, // what Celery's timer gives to all of them
        request: describe(request, worker),
      })),
  },
  revoked: {
    kind: 'inspect',
    help: 'ids of tasks that shall not run',
    alias: 'dump_revoked',
    run: ({ state }) => [...state.revoked],
  },
  query_task: {
    kind: 'inspect',
    help: 'where tasks are, by id',
    variadic: 'ids',
    signature: '[id1 [id2 [... [idN]]]]',
    run(worker, { ids }) {
      const { state } = worker
      const wanted = new Set(texts(ids))
      const found = [...state.reserved].filter(({ message }) => wanted.has(message.id))
      const place = (request: Request): TaskPlace => (state.active.has(request) ? 'active' : 'reserved')
      return Object.fromEntries(
        found.map((request) => [request.message.id, [place(request), describe(request, worker)]]),
      )
    },
  },
}

function waiting({ state, scheduled }: PanelTarget): Request[] {
  const held = new Set(scheduled().map(({ request }) => request))
  return [...state.reserved].filter((request) => !state.active.has(request) && !held.has(request))
}

function describe(
  { message, delivery, startedAt, isAcknowledged, pid }: Request,
  { hostname }: PanelTarget,
): RequestInfo {
  const { exchange, routingKey, priority, redelivered } = delivery.info
  return {
    id: message.id,
    name: message.task,
    args: [...message.args],
    kwargs: { ...message.kwargs },
    type: message.task,
    hostname,
    time_start: startedAt === undefined ? null : startedAt / 1000,
    acknowledged: isAcknowledged,
    delivery_info: { exchange, routing_key: routingKey, priority, redelivered },
    worker_pid: pid ?? null,
  }
}
