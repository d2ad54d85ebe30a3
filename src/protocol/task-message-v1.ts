import { isObject } from './json.ts'

/** The headers and the body that version 2 has for what a message of version 1 carries in its body alone. */
export interface Upgraded {
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: readonly [args: unknown, kwargs: unknown, embed: Readonly<Record<string, unknown>>]
}

/** Reads protocol 1 (`task_protocol = 1`, and Celery before 4); undefined when the body is no such call. */
export function upgradeVersion1(body: unknown): Upgraded | undefined {
  if (!isObject(body) || typeof body.task !== 'string') return undefined
  const { task, id, args = [], kwargs = {}, retries, eta, expires, timelimit, group_index } = body
  const { callbacks, errbacks, chord } = body
  const group = body.group ?? body.taskset
  return {
    headers: { task, id, retries, eta, expires, timelimit, group, group_index },
    body: [args, kwargs, { callbacks, errbacks, chord, chain: null }],
  }
}
