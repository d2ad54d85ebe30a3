import { Box, render, Text, useApp, useInput, useWindowSize } from 'ink'
import { useEffect, useState } from 'react'
import {
  type Celery,
  type Cluster,
  type ClusterTask,
  isAlive,
  messageOf,
  type Replies,
  type Said,
  version,
} from '../../../src/index.ts'
import type { Context } from '../../context.ts'
import { onAbort } from '../../interrupt.ts'
import { sanitize } from '../../output/sanitize.ts'
import { isTime } from '../../remote/event-text.ts'

/** Shows workers and tasks as they change, with Celery's keys, until Ctrl-C. */
export async function watchCluster(app: Celery, { stdin, stdout, signal }: Context): Promise<void> {
  const cluster = app.events.cluster()
  const listening = await app.events.receive((event) => cluster.event(event))
  const orders: Orders = {
    revoke: (id) => app.control.revoke(id, { reply: true }),
    rateLimit: (task, rate) => app.control.rateLimit(task, rate, { reply: true }),
  }
  const screen = render(<EventsScreen cluster={cluster} orders={orders} now={Date.now} />, {
    ...{ stdin, stdout, exitOnCtrlC: true, alternateScreen: true, patchConsole: false },
  })
  onAbort(signal, () => screen.unmount())
  await screen.waitUntilExit()
  await listening.cancel()
}

/** What a person at the screen can have done. */
export interface Orders {
  revoke(id: string): Promise<Replies<Said>>
  rateLimit(task: string, rate: string): Promise<Replies<Said>>
}

interface EventsScreenProps {
  readonly cluster: Cluster
  readonly orders: Orders
  /** Epoch milliseconds. */
  readonly now: () => number
}

/** What is shown in place of the table. */
interface Page {
  readonly title: string
  readonly lines: readonly string[]
}

/** Lines around the table: greeting, head, footer. */
const frame = 9
const refreshMs = 250

export function EventsScreen({ cluster, orders, now }: EventsScreenProps) {
  const { rows, columns } = useWindowSize()
  const { exit } = useApp()
  const [selectedId, select] = useState<string>()
  const [page, show] = useState<Page>()
  const [rate, setRate] = useState<string>()
  useTicks()

  const tasks = cluster.tasksByTime().slice(0, Math.max(1, rows - frame))
  const selected = selectedId === undefined ? undefined : cluster.tasks.get(selectedId)

  const move = (by: number) => {
    const at = tasks.findIndex(({ uuid }) => uuid === selectedId)
    select((tasks[at === -1 ? 0 : at + by] ?? tasks[0])?.uuid)
  }
  const order = (work: Promise<Replies<Said>>) => {
    const title = 'Remote Control Command Replies'
    show({ title, lines: ['…'] })
    work.then(
      (replies) => show({ title, lines: linesOfReplies(replies) }),
      (error) => show({ title, lines: [messageOf(error)] }),
    )
  }
  const onKey: Readonly<Record<string, () => void>> = {
    j: () => move(1),
    k: () => move(-1),
    i: () => selected && show({ title: `Task details for ${sanitize(selected.uuid)}`, lines: details(selected) }),
    t: () =>
      selected?.traceback &&
      show({ title: `Task Exception Traceback for ${sanitize(selected.uuid)}`, lines: linesOf(selected.traceback) }),
    r: () =>
      selected &&
      show({
        title: `Task Result for ${sanitize(selected.uuid)}`,
        lines: linesOf(selected.result ?? selected.exception ?? ''),
      }),
    c: () => selected && order(orders.revoke(selected.uuid)),
    l: () => selected?.name && setRate(''),
  }
  const onRateKey = (input: string, key: { return: boolean; escape: boolean; backspace: boolean; delete: boolean }) => {
    if (key.escape) setRate(undefined)
    else if (key.backspace || key.delete) setRate((given = '') => given.slice(0, -1))
    else if (!key.return) setRate((given = '') => given + input)
    else {
      setRate(undefined)
      if (rate?.trim() && selected?.name) order(orders.rateLimit(selected.name, rate.trim()))
    }
  }
  useInput((input, key) => {
    if (key.ctrl && input === 'c') exit()
    else if (page) show(undefined)
    else if (rate !== undefined) onRateKey(input, key)
    else onKey[key.downArrow ? 'j' : key.upArrow ? 'k' : key.return ? 'i' : input.toLowerCase()]?.()
  })

  if (page) return <PageView page={page} rows={rows} />
  return (
    <Box flexDirection="column" height={rows - 1}>
      <Text color="blue">celery-sandbox events {version}</Text>
      <Text bold underline wrap="truncate">
        {row(['UUID', 'TASK', 'WORKER', 'TIME', 'STATE'], columns)}
      </Text>
      <Box flexDirection="column" flexGrow={1}>
        {tasks.map((task) => (
          <TaskRow key={task.uuid} task={task} isSelected={task.uuid === selectedId} columns={columns} />
        ))}
      </Box>
      <Text dimColor>{'─'.repeat(Math.max(0, columns - 1))}</Text>
      <Selected task={selected} />
      <Summary cluster={cluster} now={now() / 1000} />
      {rate === undefined ? <Keys /> : <Text bold>New rate limit: {rate}▏</Text>}
    </Box>
  )
}

function Selected({ task }: { task: ClusterTask | undefined }) {
  if (!task) return <Text>No task selected</Text>
  const facts = details(task).join(' ')
  return (
    <Text wrap="truncate">
      <Text bold>Selected: </Text>
      {facts}
    </Text>
  )
}

function Summary({ cluster, now }: { cluster: Cluster; now: number }) {
  const workers = [...cluster.workers.values()]
  const online = workers.filter((worker) => isAlive(worker, now)).map(({ hostname }) => sanitize(hostname))
  return (
    <>
      <Text wrap="truncate">
        {online.length === 0 ? (
          'No workers discovered.'
        ) : (
          <>
            <Text bold>Workers online: </Text>
            {online.sort().join(', ')}
          </>
        )}
      </Text>
      <Text wrap="truncate">
        <Text bold>Info: </Text>
        <Text dimColor>
          events: {cluster.eventCount} tasks:{cluster.taskCount} workers:{online.length}/{workers.length}
        </Text>
      </Text>
    </>
  )
}

const Keys = () => (
  <Text wrap="truncate">
    <Text bold>Keys: </Text>
    <Text dimColor>j:down k:up i:info t:traceback r:result c:revoke l:rate limit ^c: quit</Text>
  </Text>
)

function PageView({ page, rows }: { page: Page; rows: number }) {
  const room = Math.max(1, rows - 5)
  const lines = page.lines.length > room ? [...page.lines.slice(0, room - 1), '[...]'] : page.lines
  return (
    <Box flexDirection="column">
      <Text bold underline>
        {page.title}
      </Text>
      <Text wrap="truncate">{lines.join('\n')}</Text>
      <Text bold>Press any key to continue...</Text>
    </Box>
  )
}

const colors: Readonly<Record<string, string>> = {
  SUCCESS: 'green',
  FAILURE: 'red',
  RETRY: 'red',
  REVOKED: 'magenta',
  STARTED: 'yellow',
}

function TaskRow({ task, isSelected, columns }: { task: ClusterTask; isSelected: boolean; columns: number }) {
  const time = isTime(task.timestamp) ? new Date(task.timestamp * 1000).toISOString().slice(11, 19) : '?'
  const cells = [task.uuid, task.name ?? '', task.worker ?? '*NONE*', time]
  return (
    <Text inverse={isSelected} wrap="truncate">
      {row(cells, columns)} <Text color={colors[task.state] ?? 'white'}>{fitted(task.state, 8)}</Text>
    </Text>
  )
}

/** Fixed columns for id, time and state; task and worker share the rest. */
function row(cells: readonly string[], columns: number): string {
  const rest = Math.max(20, columns - 1 - 36 - 8 - 8 - 5)
  const widths = [36, Math.ceil(rest / 2), Math.floor(rest / 2), 8, 8]
  return cells.map((cell, i) => fitted(cell, widths[i] ?? 8)).join(' ')
}

function fitted(text: string, width: number): string {
  const clean = sanitize(text).replaceAll('\n', ' ')
  return clean.length > width ? `${clean.slice(0, width - 3)}...` : clean.padEnd(width)
}

/** What is known of a task, a fact a line. */
function details(task: ClusterTask): string[] {
  const { args, kwargs, retries, result, eta, runtime, expires, exception, exchange, routingKey, rootId, parentId } =
    task
  const facts = { args, kwargs, state: task.state, retries, result, eta, runtime: runtime?.toFixed(2) }
  const others = { expires, exception, exchange, routing_key: routingKey, root_id: rootId, parent_id: parentId }
  return Object.entries({ ...facts, ...others })
    .filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(([name, value]) => sanitize(`${name}: ${value}`).replaceAll('\n', ' '))
}

const linesOf = (text: string) => sanitize(text).split('\n')

function linesOfReplies(replies: Replies<Said>): string[] {
  const lines = Object.entries(replies).map(([node, said]) =>
    sanitize(`${node}: ${Object.values(said ?? {}).join(' ')}`),
  )
  return lines.length > 0 ? lines : ['No replies received in 1s deadline.']
}

/** Draws again now and then: events come far more often than a screen need change. */
function useTicks(): void {
  const [, setTick] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => setTick((tick) => tick + 1), refreshMs)
    return () => clearInterval(timer)
  }, [])
}
