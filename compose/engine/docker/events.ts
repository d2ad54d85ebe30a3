import type { EngineEvent, Health } from '../engine.ts'

/** The engine's events that mean something here, by its own names. */
export const eventActions: Readonly<Record<string, EngineEvent['action']>> = {
  create: 'create',
  start: 'start',
  kill: 'kill',
  stop: 'stop',
  restart: 'restart',
  pause: 'pause',
  unpause: 'unpause',
  die: 'die',
  oom: 'oom',
  destroy: 'destroy',
  rename: 'rename',
  health_status: 'health',
}

/** What is read of a message. */
export interface DockerEvent {
  readonly Action: string
  /** Since 1970. */
  readonly timeNano?: number
  readonly time?: number
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> }
}

/** One message of `GET /events`; undefined when it means nothing here. */
export function engineEvent({ Action, Actor, timeNano, time = 0 }: DockerEvent): EngineEvent | undefined {
  // `health_status: healthy`: the value is part of the name.
  const [name = '', value] = Action.split(': ')
  const action = eventActions[name]
  const labels = Actor.Attributes
  return (
    action && {
      action,
      time: new Date(timeNano === undefined ? time * 1000 : timeNano / 1e6).toISOString(),
      container: Actor.ID,
      name: labels.name ?? '',
      labels,
      ...(action === 'die' && { exitCode: Number(labels.exitCode) }),
      ...(action === 'health' && { health: value as Health }),
    }
  )
}
