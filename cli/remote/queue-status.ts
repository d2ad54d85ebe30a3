import type { QueueInfo, Replies, RequestInfo, ScheduledInfo } from '../../src/index.ts'

/** One queue of a cluster. */
export interface QueueStatus {
  readonly name: string
  /** Messages that wait in the broker. */
  readonly depth: number
  /** Messages that workers have in hand and have not acknowledged. */
  readonly unacked: number
  /** Names of the workers that serve it. */
  readonly workers: readonly string[]
}

/** What workers say of their queues and tasks. */
export interface ClusterAnswers {
  readonly queues: Replies<QueueInfo[]>
  readonly active: Replies<RequestInfo[]>
  readonly reserved: Replies<RequestInfo[]>
  readonly scheduled: Replies<ScheduledInfo[]>
}

/** Which queue a message came from: those of the default exchange are named by the routing key. */
function queueOf({ exchange, routing_key: key }: RequestInfo['delivery_info'], queues: readonly QueueInfo[]): string {
  if (exchange === '') return key
  return queues.find((queue) => queue.exchange.name === exchange && queue.routing_key === key)?.name ?? key
}

/** Every queue that the app declares or a worker serves, by name. @param declared names of the former */
export function queueStatus(
  declared: readonly string[],
  { queues, active, reserved, scheduled }: ClusterAnswers,
  depths: ReadonlyMap<string, number>,
): QueueStatus[] {
  const served = Object.entries(queues).flatMap(([worker, list]) => listOf(list).map(({ name }) => ({ name, worker })))
  const inHand = [
    ...Object.values(active).flatMap(listOf),
    ...Object.values(reserved).flatMap(listOf),
    ...Object.values(scheduled).flatMap((list) => listOf(list).map(({ request }) => request)),
  ].filter(({ acknowledged }) => !acknowledged)
  const all = Object.values(queues).flatMap(listOf)
  const holders = Map.groupBy(inHand, (request) => queueOf(request.delivery_info, all))
  return namesOf(declared, queues).map((name) => ({
    name,
    depth: depths.get(name) ?? 0,
    unacked: holders.get(name)?.length ?? 0,
    workers: served
      .filter((one) => one.name === name)
      .map(({ worker }) => worker)
      .sort(),
  }))
}

export const namesOf = (declared: readonly string[], queues: Replies<QueueInfo[]>): string[] =>
  [...new Set([...declared, ...Object.values(queues).flatMap((list) => listOf(list).map(({ name }) => name))])].sort()

/** A node that cannot say answers `{error}`. */
const listOf = <T>(reply: readonly T[]): readonly T[] => (Array.isArray(reply) ? reply : [])
