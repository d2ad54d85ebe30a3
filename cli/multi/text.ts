import { constants } from 'node:os'
import type { Paint } from '../output/paint.ts'
import type { ClusterEvent } from './cluster.ts'

/** How an event reads, in Celery's words. */
export function clusterText(event: ClusterEvent, paint: Paint): string | undefined {
  switch (event.type) {
    case 'starting-nodes':
      return '> Starting nodes...'
    case 'starting':
      return `\t> ${event.node}: `
    case 'restarting':
      return paint.name(`> Restarting node ${event.node}: `)
    case 'spawned':
      return undefined
    case 'started':
      return startedText(event, paint)
    case 'stopping-nodes':
      return paint.name('> Stopping nodes...')
    case 'signalled':
      return `\t> ${event.node}: ${event.signal} -> ${event.pid}`
    case 'not-there':
      return `Could not signal ${event.node} (${event.pid}): No such process`
    case 'waiting':
      return event.pids.length > 0 ? paint.name(waitingText(event.pids)) : undefined
    case 'still-waiting':
      return '.'
    case 'stopped':
      return `\n\t> ${event.node}: ${paint.good('OK')}`
    case 'waited':
      return ''
    case 'down':
      return `> ${event.node}: ${paint.warn('DOWN')}`
    case 'killed':
      return `Sending ${event.signal} to node ${event.node} (${event.pid})`
  }
}

function startedText({ exitCode, signal }: Extract<ClusterEvent, { type: 'started' }>, paint: Paint): string {
  if (exitCode === 0) return paint.good('OK')
  const how = signal ? `was terminated by signal ${constants.signals[signal]}` : `terminated with exit code ${exitCode}`
  return `* Child ${how}\n${paint.bad('FAILED')}`
}

function waitingText(pids: readonly number[]): string {
  return `> Waiting for ${pids.length} ${pids.length === 1 ? 'node' : 'nodes'} -> ${pids.join(', ')}...`
}

/** Whether the next event goes on on the same line. */
export const staysOnLine = (type: string): boolean => open.includes(type)

const open: readonly string[] = ['starting', 'restarting', 'waiting', 'still-waiting'] satisfies ClusterEvent['type'][]
