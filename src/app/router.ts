import type { CallOptions } from '../canvas/canvas.ts'
import { fnmatch } from '../fnmatch.ts'
import { defaultExchange, type Exchange, exchange, type Queue } from '../protocol/entity.ts'
import type { Queues } from './queues.ts'

/** Where calls go, and what else a route says of them: `{ queue: 'feeds', priority: 9 }`, or a queue's name. */
export type RouteOptions = string | CallOptions

/** Decides by the call; nothing (or null) leaves it to the next route. */
export type RouteFunction = (
  task: string,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
  options: CallOptions,
) => RouteOptions | null | undefined

/** By name or glob (`feeds.*`); an exact name wins over a glob. */
export type RouteMap = Readonly<Record<string, RouteOptions>>

/** By name, glob or regular expression; the first that fits wins. */
export type RouteList = readonly (readonly [pattern: string | RegExp, route: RouteOptions])[]

export type TaskRoutes = RouteMap | RouteFunction | RouteList | readonly (RouteMap | RouteFunction)[]

/** Where a message goes. */
export interface Destination {
  /** Made sure of before: a message that no queue waits for is gone. */
  readonly queue: Queue | undefined
  readonly exchange: Exchange
  readonly routingKey: string
}

export interface Route {
  readonly destination: Destination
  /** All that is known of the call now: its own options, over the route's. */
  readonly options: CallOptions
}

/** A call as routes see it. */
export interface RoutedCall {
  readonly task: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly options: CallOptions
}

/** The settings that say where tasks go. */
export interface RouterSettings {
  readonly taskRoutes: TaskRoutes
  readonly taskDefaultQueue: string
  readonly taskDefaultRoutingKey: string | null
}

/** Where a call goes: its own options first (the task's are among them), then `taskRoutes`, then the default queue. */
export function route(call: RoutedCall, settings: RouterSettings, queues: Queues): Route {
  const options = { ...lookUp(call, settings.taskRoutes), ...withoutEmpty(call.options) }
  return { destination: destination(options, settings, queues), options }
}

function destination(
  { queue: wanted, exchange: exchangeName, exchangeType, routingKey }: CallOptions,
  { taskDefaultQueue, taskDefaultRoutingKey }: RouterSettings,
  queues: Queues,
): Destination {
  if (wanted === undefined && exchangeName !== undefined) {
    const target = queues.exchange(exchangeName) ?? exchange(exchangeName, exchangeType)
    return { queue: undefined, exchange: target, routingKey: routingKey ?? taskDefaultRoutingKey ?? taskDefaultQueue }
  }
  const queue = typeof wanted === 'object' ? wanted : queues.get(wanted ?? taskDefaultQueue)
  // As Celery does: a direct exchange is gone round, unless the call insists.
  const goesRound = (exchangeType ?? queue.exchange.type) === 'direct' && !(exchangeName && routingKey)
  if (goesRound) return { queue, exchange: defaultExchange, routingKey: queue.name }
  const target = exchangeName === undefined ? queue.exchange : exchange(exchangeName, exchangeType ?? 'direct')
  return { queue: queue.alias ? undefined : queue, exchange: target, routingKey: routingKey ?? queue.routingKey }
}

function lookUp(call: RoutedCall, routes: TaskRoutes): CallOptions {
  for (const one of listOf(routes)) {
    const found = routeOf(one, call)
    if (found) return typeof found === 'string' ? { queue: found } : found
  }
  return {}
}

type OneRoute = RouteList[number] | RouteMap | RouteFunction

const listOf = (routes: TaskRoutes) => (Array.isArray(routes) ? routes : [routes]) as readonly OneRoute[]

function routeOf(one: OneRoute, { task, args, kwargs, options }: RoutedCall): RouteOptions | null | undefined {
  if (typeof one === 'function') return one(task, args, kwargs, options)
  if (isPair(one)) return matches(one[0], task) ? one[1] : undefined
  if (Object.hasOwn(one, task)) return one[task]
  return Object.entries(one).find(([pattern]) => matches(pattern, task))?.[1]
}

const isPair = (one: RouteList[number] | RouteMap): one is RouteList[number] => Array.isArray(one)

function matches(pattern: string | RegExp, task: string): boolean {
  if (pattern instanceof RegExp) return task.search(pattern) !== -1 // unlike `test`, it remembers nothing
  return pattern === task || fnmatch(pattern)(task)
}

const withoutEmpty = (options: CallOptions): CallOptions =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined && value !== null))
