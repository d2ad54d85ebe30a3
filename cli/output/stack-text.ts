import { basename } from 'node:path'
import type { ImageStep, StackEvent, Step } from '../../compose/index.ts'
import type { Paint, Tone } from './paint.ts'
import { sanitize } from './sanitize.ts'

/** How each step of a container reads, and whether it is good news. */
export const stepTone: { readonly [S in Step]: Tone } = {
  creating: 'dim',
  starting: 'dim',
  waiting: 'dim',
  healthy: 'good',
  running: 'good',
  completed: 'good',
  unchanged: 'good',
  stopping: 'dim',
  stopped: 'dim',
  signalled: 'good',
  paused: 'warn',
  unpaused: 'good',
  removed: 'good',
  failed: 'bad',
}

/** The same for images. */
export const imageTone: { readonly [S in ImageStep]: Tone } = {
  pulling: 'dim',
  pulled: 'good',
  kept: 'warn',
  building: 'dim',
  built: 'good',
  failed: 'bad',
}

/** One line for an event of a stack; undefined when it says nothing to a person. */
export function stackText(event: StackEvent, paint: Paint): string | undefined {
  switch (event.type) {
    case 'engine':
      return `Engine: ${event.kind} (${sanitize(event.reason)})`
    case 'plan':
      if (event.operations.length === 0) return paint.dim('no changes')
      return event.isDry ? event.operations.map((line) => operationText(line, paint)).join('\n') : undefined
    case 'step': {
      const detail = event.detail ? paint.dim(` ${sanitize(event.detail)}`) : ''
      return `  ${paint.name(sanitize(event.container))} ${paint[stepTone[event.step]](event.step)}${detail} ${paint.dim(seconds(event.elapsedMs))}`
    }
    case 'image': {
      const detail = event.detail ? paint.dim(` ${sanitize(event.detail)}`) : ''
      return `  image ${paint.name(sanitize(event.image))} ${paint[imageTone[event.step]](event.step)}${detail} ${paint.dim(seconds(event.elapsedMs))}`
    }
    case 'resource':
      return `  ${event.resource} ${paint.name(sanitize(event.name))} ${event.step}${event.detail ? paint.dim(` (${sanitize(event.detail)})`) : ''}`
    case 'port':
      return paint.warn(
        `  ${event.wanted} is busy${event.holder ? ` (${sanitize(event.holder)})` : ''} → ${event.service} on ${event.chosen}`,
      )
    case 'output':
      return `  ${paint.name(`${sanitize(event.image)} |`)} ${paint.dim(sanitize(event.text))}`
    // Each image says how far its own pull is.
    case 'pull':
      return undefined
    case 'watching':
      return paint.dim(`  watching ${event.paths.map(sanitize).join(', ')}`)
    case 'change': {
      const [first = '', ...more] = event.paths.map((path) => sanitize(basename(path)))
      const changed = more.length === 0 ? `${first} changed` : `${first} and ${more.length} more changed`
      return `  ${changed}: ${event.action} ${paint.name(sanitize(event.service))}`
    }
    case 'warning':
      return paint.warn(`  ${sanitize(event.message)}`)
    case 'done':
      return paint.dim(`  ${seconds(event.elapsedMs)}`)
  }
}

/** `recreate shop-worker-1 (environment.FOO changed)`, in the colour of a diff. */
function operationText(line: string, paint: Paint): string {
  const [, verb = '', name = '', cause = ''] = /^(\S+(?: network| volume| image)?) (.*) (\(.*\))$/s.exec(line) ?? []
  const tone = /^(create|pull|build|start)/.test(verb) ? 'good' : /^(remove|stop)/.test(verb) ? 'bad' : 'warn'
  return `  ${paint[tone](verb)} ${paint.name(sanitize(name))} ${paint.dim(sanitize(cause))}`
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
