import { isObject } from './json.ts'

/**
 * A signature on the wire (§2 of Celery's canvas): a call that has not been made yet, as plain data.
 * All six keys are always written.
 */
export interface SignatureData {
  task: string
  args: unknown[]
  kwargs: Record<string, unknown>
  options: Record<string, unknown>
  subtask_type: SubtaskType | null
  immutable: boolean
}

export type SubtaskType = 'chain' | 'group' | 'chord' | 'map' | 'starmap' | 'chunks'

/** A call of one task, in wire form. */
export function signatureData(
  task: string,
  args: readonly unknown[] = [],
  options: Partial<Omit<SignatureData, 'task' | 'args'>> = {},
): SignatureData {
  return { task, args: [...args], kwargs: {}, options: {}, subtask_type: null, immutable: false, ...options }
}

/** Reads what a peer sent, filling in keys that minimal publishers leave out; undefined when it is no signature. */
export function parseSignatureData(value: unknown): SignatureData | undefined {
  if (typeof value !== 'object' || value === null || !('task' in value) || typeof value.task !== 'string')
    return undefined
  const given = value as Partial<SignatureData>
  return {
    task: value.task,
    args: Array.isArray(given.args) ? given.args : [],
    kwargs: isObject(given.kwargs) ? given.kwargs : {},
    options: isObject(given.options) ? given.options : {},
    subtask_type: given.subtask_type ?? null,
    immutable: given.immutable === true,
  }
}
