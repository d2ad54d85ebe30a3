import { type CallOptions, fromData, listOf, type Signature, withArguments } from '../canvas/signature.ts'
import type { SignatureData } from '../protocol/signature-data.ts'
import type { TaskMessage } from '../protocol/task-message.ts'

/** What a success leads to: its links, and the next step of its chain, each with the value put first. */
export function onSuccess(message: TaskMessage, value: unknown): Signature[] {
  const family = kinship(message)
  const links = (message.callbacks ?? []).map((link) => withArguments(fromData(link), [value], family))
  const next = message.chain?.at(-1) // the chain is kept in reverse
  if (!next) return links
  const step = withArguments(fromData(next), [value], { ...family, chain: message.chain?.slice(0, -1) ?? [] })
  return [...links, step]
}

/** What a failure leads to: its error links, each with the failed task's id put first. */
export function onFailure(message: TaskMessage): Signature[] {
  return (message.errbacks ?? []).map((link) => withArguments(fromData(link), [message.id], kinship(message)))
}

/** Ids of the chain's steps that will never run: their callers learn of the failure too. */
export function neverRun(message: TaskMessage): string[] {
  return (message.chain ?? []).map(({ options }) => options.task_id).filter((id) => typeof id === 'string')
}

/** The signature that takes the task's place: what waited for the task waits for it. */
export function replacing(message: TaskMessage, { options, ...signature }: Signature): Signature {
  const links = (message.callbacks ?? []).map(fromData)
  const errorLinks = (message.errbacks ?? []).map(fromData)
  return {
    ...signature,
    options: {
      ...options,
      taskId: message.id,
      rootId: message.rootId,
      ...(message.replyTo && { replyTo: message.replyTo }),
      ...(message.parentId && { parentId: message.parentId }),
      ...(message.group && { groupId: message.group }),
      ...(message.groupIndex !== null && { groupIndex: message.groupIndex }),
      ...(message.chain && { chain: message.chain }),
      link: [...listOf(options.link), ...links],
      linkError: [...listOf(options.linkError), ...errorLinks],
      replacedTaskNesting: message.replacedTaskNesting + 1,
    },
  }
}

/** The first part of the workflow that this worker cannot carry on; undefined when there is none. */
export function unsupported(message: TaskMessage): string | undefined {
  if (message.chord) return 'celery.chord'
  const parts: SignatureData[] = [...(message.chain ?? []), ...(message.callbacks ?? []), ...(message.errbacks ?? [])]
  return parts.find((part) => part.subtask_type !== null)?.task
}

function kinship(message: TaskMessage): CallOptions {
  return { parentId: message.id, rootId: message.rootId }
}
