import { type TaskMessage, taskMessage } from '../protocol/task-message.ts'
import { type Call, listOf } from './canvas.ts'
import { toData } from './data.ts'

/** What a call takes from where it is made. */
export interface CallSite {
  /** Epoch milliseconds. */
  readonly now: number
  /** `gen<pid>@<host>`. */
  readonly origin: string
  /** Where this process listens for answers. */
  readonly oid: string
  /** The task that makes the call, if one does. */
  readonly parent: { readonly id: string; readonly rootId: string } | undefined
}

/** A frozen call and a call site give the message to send: times and ancestry become definite. */
export function compose({ task, args, kwargs, options }: Call, site: CallSite): TaskMessage {
  const { taskId: id = '' } = options
  const { link, linkError, stamps, countdown, eta, expires, chain, chord } = options
  return taskMessage({
    task,
    id,
    args,
    kwargs,
    origin: site.origin,
    replyTo: options.replyTo ?? site.oid,
    rootId: options.rootId ?? site.parent?.rootId ?? id,
    parentId: options.parentId ?? site.parent?.id ?? null,
    eta: countdown === undefined ? (eta ?? null) : new Date(site.now + countdown * 1000),
    expires: typeof expires === 'number' ? new Date(site.now + expires * 1000) : (expires ?? null),
    group: options.groupId ?? null,
    groupIndex: options.groupIndex ?? null,
    retries: options.retries ?? 0,
    replacedTaskNesting: options.replacedTaskNesting ?? 0,
    shadow: options.shadow ?? null,
    timeLimit: options.timeLimit ?? null,
    softTimeLimit: options.softTimeLimit ?? null,
    ignoreResult: options.ignoreResult ?? false,
    priority: options.priority ?? 0,
    deliveryMode: options.deliveryMode ?? 2,
    headers: options.headers ?? {},
    callbacks: link ? listOf(link).map(toData) : null,
    errbacks: linkError ? listOf(linkError).map(toData) : null,
    chain: chain ?? null,
    chord: chord ? toData(chord) : null,
    stampedHeaders: stamps ? Object.keys(stamps) : null,
    stamps: stamps ?? {},
  })
}
