import { Box, render, Static, Text } from 'ink'
import { useEffect, useState } from 'react'
import type { ImageStep, StackEvent, Step } from '../../../compose/index.ts'
import type { Context } from '../../context.ts'
import { createPaint } from '../../output/paint.ts'
import { sanitize } from '../../output/sanitize.ts'
import { seconds, stackText } from '../../output/stack-text.ts'

type StepEvent = Extract<StackEvent, { type: 'step' | 'image' }>
type PullEvent = Extract<StackEvent, { type: 'pull' }>

/** What the screen shows: lines that stay, and what each container and image is going through. */
export interface ProgressModel {
  readonly lines: readonly string[]
  readonly containers: ReadonlyMap<string, StepEvent>
  /** How far all pulls are together. */
  readonly pull: PullEvent | undefined
  readonly startedAt: number
  readonly isDone: boolean
}

export const emptyProgress = (startedAt: number): ProgressModel => ({
  lines: [],
  containers: new Map(),
  pull: undefined,
  startedAt,
  isDone: false,
})

const paint = createPaint(true)

/** The model after an event. */
export function updateProgress(model: ProgressModel, event: StackEvent): ProgressModel {
  if (event.type === 'step' || event.type === 'image') {
    const name = event.type === 'step' ? event.container : event.image
    return { ...model, containers: new Map(model.containers).set(name, event) }
  }
  if (event.type === 'pull') return { ...model, pull: event }
  if (event.type === 'done') return { ...model, isDone: true }
  const line = stackText(event, paint)
  return line === undefined ? model : { ...model, lines: [...model.lines, line] }
}

/**
 * Shows a stack going up or down, a row a container, until its events end; the last picture stays on the screen.
 *
 * @returns the first event that is not the stack's own, for its reader to go on from
 */
export async function showProgress<E extends { type: string }>(
  events: AsyncIterator<StackEvent | E>,
  { stdout, stdin }: Context,
): Promise<IteratorResult<StackEvent | E>> {
  let model = emptyProgress(Date.now())
  const app = render(<ProgressScreen model={model} />, { stdout, stdin, exitOnCtrlC: false, patchConsole: false })
  try {
    for (;;) {
      const next = await events.next()
      if (next.done || !isStackEvent(next.value)) return next
      model = updateProgress(model, next.value)
      app.rerender(<ProgressScreen model={model} />)
    }
  } finally {
    app.unmount()
    await app.waitUntilExit()
  }
}

const ownTypes = new Set(['engine', 'plan', 'step', 'image', 'pull', 'output', 'resource', 'port', 'warning', 'done'])

const isStackEvent = (event: { type: string }): event is StackEvent => ownTypes.has(event.type)

const marks: { readonly [S in Step | ImageStep]: { mark: string; color: string } } = {
  pulling: { mark: '↓', color: 'blue' },
  pulled: { mark: '✓', color: 'green' },
  kept: { mark: '!', color: 'yellow' },
  building: { mark: '◌', color: 'blue' },
  built: { mark: '✓', color: 'green' },

  creating: { mark: '·', color: 'gray' },
  starting: { mark: '·', color: 'gray' },
  waiting: { mark: '◌', color: 'yellow' },
  healthy: { mark: '✓', color: 'green' },
  running: { mark: '✓', color: 'green' },
  completed: { mark: '✓', color: 'green' },
  unchanged: { mark: '✓', color: 'green' },
  stopping: { mark: '◌', color: 'yellow' },
  stopped: { mark: '·', color: 'gray' },
  signalled: { mark: '✓', color: 'green' },
  paused: { mark: '‖', color: 'yellow' },
  unpaused: { mark: '✓', color: 'green' },
  removed: { mark: '✓', color: 'green' },
  failed: { mark: '✗', color: 'red' },
}

export function ProgressScreen({ model }: { model: ProgressModel }) {
  const now = useNow(model.isDone)
  const width = Math.max(0, ...[...model.containers.keys()].map((name) => name.length))
  return (
    <Box flexDirection="column">
      <Static items={[...model.lines]}>{(line, i) => <Text key={i}>{line}</Text>}</Static>
      {[...model.containers].map(([name, event]) => (
        <Row key={name} name={sanitize(name).padEnd(width)} event={event} />
      ))}
      {model.pull && !model.isDone && <PullBar pull={model.pull} />}
      <Text dimColor>{seconds(now - model.startedAt)}</Text>
    </Box>
  )
}

const barWidth = 30

/** `━━━━━━────  42%  12.3 of 29.1 MB, 2 layers waiting` */
export function PullBar({ pull }: { pull: PullEvent }) {
  const done = Math.round(pull.fraction * barWidth)
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1)
  const waiting = pull.waiting > 0 ? `, ${pull.waiting} layers waiting` : ''
  return (
    <Box gap={1}>
      <Text color="blue">{'━'.repeat(done)}</Text>
      <Text dimColor>{'─'.repeat(barWidth - done)}</Text>
      <Text>{`${Math.floor(pull.fraction * 100)}%`.padStart(4)}</Text>
      <Text dimColor>{`${megabytes(pull.downloaded)} of ${megabytes(pull.total)} MB${waiting}`}</Text>
    </Box>
  )
}

function Row({ name, event }: { name: string; event: StepEvent }) {
  const { mark, color } = marks[event.step]
  return (
    <Box gap={1}>
      <Text color={color}>{mark}</Text>
      <Text color="cyan">{name}</Text>
      <Text color={color}>{event.step.padEnd(9)}</Text>
      <Text dimColor>{seconds(event.elapsedMs).padStart(6)}</Text>
      <Text dimColor wrap="truncate">
        {sanitize(event.detail)}
      </Text>
    </Box>
  )
}

/** The time, ten times a second while something is going on. */
function useNow(isDone: boolean): number {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    if (isDone) return
    const timer = setInterval(() => setNow(Date.now()), 100)
    return () => clearInterval(timer)
  }, [isDone])
  return now
}
