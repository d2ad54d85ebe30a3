import { type ReceivedEvent, repr } from '../../src/index.ts'
import { sanitize } from '../output/sanitize.ts'

/** Tasks whose names are remembered; an event of a task that runs says only its id. */
const remembered = 4_095

const humanTypes: Readonly<Record<string, string>> = {
  'worker-offline': 'shutdown',
  'worker-online': 'started',
  'worker-heartbeat': 'heartbeat',
}

/** Writes events as `celery events --dump` does, a line each. */
export function eventWriter(): (event: ReceivedEvent) => string {
  const tasks = new Map<string, string>()

  const taskOf = ({ uuid, name, args, kwargs, type }: ReceivedEvent): string => {
    if (!Object.hasOwn(identity, type)) return tasks.get(String(uuid)) ?? ''
    const task = `${name}(${uuid}) args=${args} kwargs=${kwargs}`
    tasks.delete(String(uuid))
    tasks.set(String(uuid), task)
    for (const oldest of tasks.keys()) {
      if (tasks.size <= remembered) break
      tasks.delete(oldest)
    }
    return task
  }

  return (event) => {
    const { type, timestamp, hostname, ...rest } = event
    const isTask = type.startsWith('task-')
    const told = (Object.hasOwn(identity, type) && identity[type]) || idAlone
    const fields = Object.keys(rest)
      .filter((key) => !isTask || !told.has(key))
      .sort()
      .map((key) => `${key}=${plain(rest[key])}`)
      .join(', ')
    const head = `${hostname} [${pythonTime(timestamp)}] ${(Object.hasOwn(humanTypes, type) && humanTypes[type]) || type.replaceAll('-', ' ')}`
    const colon = fields ? ':' : ''
    // A line is one event, whatever stands in its fields.
    return sanitize(`${head}${colon}${isTask ? ` ${taskOf(event)}` : ''} ${fields}`).replaceAll('\n', '\\n')
  }
}

/** What is told of a task itself, and so not once more among its fields. */
const identity: Readonly<Record<string, ReadonlySet<string>>> = {
  'task-received': new Set(['uuid', 'name', 'args', 'kwargs']),
  'task-sent': new Set(['uuid', 'name', 'args', 'kwargs']),
}

const idAlone: ReadonlySet<string> = new Set(['uuid'])

/** As Python's `str`. */
const plain = (value: unknown) => (typeof value === 'string' ? value : repr(value, Number.POSITIVE_INFINITY))

/** Whether a sender's epoch seconds are a moment that a Date can be. */
export const isTime = (seconds: number): boolean => Math.abs(seconds) < 8.64e12

/** `2026-11-20 09:26:13.796134+00:00`. */
function pythonTime(seconds: number): string {
  if (!isTime(seconds)) return String(seconds)
  const micros = Math.round((seconds % 1) * 1e6)
  const whole = new Date(Math.floor(seconds) * 1000 + (micros === 1e6 ? 1000 : 0)).toISOString().slice(0, 19)
  const fraction = micros % 1e6 === 0 ? '' : `.${String(micros).padStart(6, '0')}`
  return `${whole.replace('T', ' ')}${fraction}+00:00`
}
