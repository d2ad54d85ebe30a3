import { messageOf, type State, signature, signatureFromJSON, states, type TaskMessage } from '../../src/index.ts'
import type { Paint } from '../output/paint.ts'
import type { Facts, Placed } from './facts.ts'
import {
  endings,
  instant,
  instantOf,
  type Kind,
  type Moment,
  moment,
  momentOfResult,
  momentsOfLine,
  oneLine,
} from './moment.ts'

/** A task as far as anyone knows it: what nobody says is null. */
export interface TaskFacts {
  readonly type: 'task'
  readonly id: string
  readonly name: string | null
  /** `tasks.add(2, 3)` */
  readonly call: string | null
  readonly state: State
  /** ISO 8601. */
  readonly eta: string | null
  readonly expires: string | null
  readonly retries: number | null
  /** Calls that follow: in the chain, when all of its group are done, when it succeeds, when it fails. */
  readonly chain: string | null
  readonly chord: string | null
  readonly callbacks: string | null
  readonly errbacks: string | null
  readonly group: string | null
  readonly parentId: string | null
  readonly rootId: string | null
}

export interface Story {
  readonly task: TaskFacts
  /** In the order in which they happened; what is so now comes last. */
  readonly moments: readonly Moment[]
  readonly hasEnded: boolean
}

/** What the facts tell; undefined when nobody knows the task. */
export function storyOf(facts: Facts): Story | undefined {
  const lines = toldBy(facts)
  const isTold = lines.some(({ what }) => what !== 'logged')
  const isKnown = [facts.messages, facts.held, facts.letters].some((some) => some.length > 0)
  if (!isKnown && !facts.result && !isTold) return undefined
  const moments = [...past(facts), ...timed(facts, lines), ...present(facts, lines)]
  const state = stateOf(facts, lines)
  return { task: { ...taskOf(facts), state }, moments, hasEnded: ended.has(state) }
}

/** What the logs tell. A line is written a little late: what is reckoned back from it did not begin before it came. */
function toldBy({ log, id }: Facts): Moment[] {
  let received = ''
  return log
    .flatMap((line) => momentsOfLine(line, id))
    .map((one) => {
      if (one.what === 'received') received = one.at ?? ''
      return one.what === 'started' && (one.at ?? '') < received ? { ...one, at: received } : one
    })
}

const stateByEnding: Partial<Record<Kind, State>> = {
  succeeded: states.SUCCESS,
  failed: states.FAILURE,
  revoked: states.REVOKED,
  rejected: states.REJECTED,
  ignored: states.IGNORED,
}

const ended: ReadonlySet<State> = new Set(Object.values(stateByEnding))

/** Who keeps results knows best; then who has it in hand, then what was logged, then that it waits. */
function stateOf({ result, held, letters, messages }: Facts, lines: readonly Moment[]): State {
  if (result) return result.status
  if (held.some(({ place }) => place === 'running')) return states.STARTED
  if (held.length > 0) return states.RECEIVED
  const last = lines.findLast(({ what }) => what !== 'logged')
  if (last && stateByEnding[last.what]) return stateByEnding[last.what] ?? ''
  if (messages.length > 0) return states.PENDING
  if (letters.length > 0) return states.REJECTED
  return last?.what === 'retried' ? states.RETRY : states.RECEIVED
}

function taskOf(facts: Facts): Omit<TaskFacts, 'state'> {
  const { id, result, held, letters, log } = facts
  const call = callOf(facts)
  const request = held[0]?.request
  const headers = letters[0]?.headers ?? {}
  const inLog = log.map(({ text }) => nameIn(text, id)).find((name) => name !== undefined)
  const name = call?.task ?? request?.name ?? result?.name ?? textOf(headers.task) ?? inLog ?? null
  const { args, kwargs } = call ?? request ?? result ?? {}
  const following = (steps: TaskMessage['chain'] = null, by = ', ') =>
    steps && steps.length > 0 ? steps.map((step) => String(signatureFromJSON(step))).join(by) : null
  return {
    type: 'task',
    id,
    name,
    call: name && args && kwargs ? String(signature(name, args, { kwargs })) : reprIn(headers),
    eta: call?.eta?.toISOString() ?? instant(textOf(headers.eta)),
    expires: call?.expires?.toISOString() ?? instant(textOf(headers.expires)),
    retries: call?.retries ?? result?.retries ?? null,
    chain: following(call?.chain?.toReversed(), ' | '),
    chord: following(call?.chord ? [call.chord] : null),
    callbacks: following(call?.callbacks),
    errbacks: following(call?.errbacks),
    group: call?.group ?? result?.group_id ?? null,
    parentId: call?.parentId ?? result?.parent_id ?? null,
    rootId: call?.rootId ?? null,
  }
}

const readable = ({ call }: Placed): TaskMessage[] => (call instanceof Error ? [] : [call])
const callOf = ({ messages }: Facts): TaskMessage | undefined => messages.flatMap(readable)[0]
const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined)
const nameIn = (text: string, id: string) => /(\S+)$/.exec(text.slice(0, Math.max(0, text.indexOf(`[${id}]`))))?.[1]

/** A dead letter says in its headers how it was called. */
function reprIn({ task, argsrepr, kwargsrepr }: Readonly<Record<string, unknown>>): string | null {
  return typeof task === 'string' && typeof argsrepr === 'string' ? `${task} ${argsrepr} ${kwargsrepr}` : null
}

/** What was, and nobody says when. */
function past(facts: Facts): Moment[] {
  const { messages, held, letters, result } = facts
  const origin = callOf(facts)?.origin ?? textOf(letters[0]?.headers.origin)
  const taken = messages.find(({ ahead }) => ahead === undefined)
  const key = held[0]?.request.delivery_info?.routing_key
  const where = taken ? inQueue(taken) : key ? `routing key ${key}` : result?.queue && `in ${result.queue}`
  return [...(origin ? [moment('sent', { by: origin })] : []), ...(where ? [moment('queued', { detail: where })] : [])]
}

const inQueue = ({ queue, routingKey }: Placed) => `in ${queue}, routing key ${routingKey}`

/** What has a time. A log and the result may tell of one end: then the result does, with the node or container of the log. */
function timed({ result, held, letters }: Facts, lines: readonly Moment[]): Moment[] {
  const stored = result && momentOfResult(result)
  const end = stored && endings.has(stored.what) ? stored : undefined
  const same = end && lines.findLast(({ what }) => what === end.what)
  const running = held.filter(({ place }) => place === 'running')
  const all = [
    ...lines.filter((line) => line !== same).map((line) => notAfter(line, end)),
    ...running.map(({ node, request: { time_start: start, worker_pid: pid } }) =>
      moment('started', { at: instantOf(start), by: node, ...(pid !== null && { detail: `process ${pid}` }) }),
    ),
    ...(end ? [{ ...end, at: end.at ?? same?.at ?? null, by: end.by ?? same?.by ?? null }] : []),
    ...letters.map(({ time, reason, queue }) =>
      moment('dead-lettered', { at: instant(time), detail: queue ? `${reason} (from ${queue})` : reason }),
    ),
  ]
  return all.sort((a, b) => (a.at === b.at ? 0 : (a.at ?? '') < (b.at ?? '') ? -1 : 1))
}

/** When a task began is reckoned from when its end was logged, which is a moment after it was stored. */
function notAfter(line: Moment, end: Moment | undefined): Moment {
  return line.what === 'started' && line.at && end?.at && line.at > end.at ? { ...line, at: end.at } : line
}

/** What is so now. */
function present({ messages, held, result, revokedBy }: Facts, lines: readonly Moment[]): Moment[] {
  const isNow = true
  const isRunning = held.some(({ place }) => place === 'running')
  const stored = result && momentOfResult(result)
  const isNews =
    stored &&
    !endings.has(stored.what) &&
    !lines.some(({ what }) => what === stored.what) &&
    !(isRunning && stored.what === 'started')
  const broken = messages.flatMap(({ call }) => (call instanceof Error ? [call] : []))
  return [
    ...(isNews ? [stored] : []),
    ...held.flatMap(({ node: by, place, eta }) => {
      if (place === 'running') return []
      if (place === 'scheduled') return [moment('scheduled', { isNow, by, detail: `until ${instant(eta)}` })]
      return [moment('held', { isNow, by, detail: 'until there is a place for it' })]
    }),
    ...messages.filter(({ ahead }) => ahead !== undefined).map(waits),
    ...messages
      .filter(({ ahead }) => ahead === undefined && held.length === 0)
      .map((placed) =>
        moment('taken', { isNow, detail: `${inQueue(placed)}, and not acknowledged; by whom nobody says` }),
      ),
    ...broken.map((error) => moment('unreadable', { isNow, detail: messageOf(error) })),
    ...(stored && endings.has(stored.what)
      ? []
      : revokedBy.map((by) => moment('unwanted', { isNow, by, detail: 'revoked: this worker will not run it' }))),
  ]
}

function waits(placed: Placed): Moment {
  const { ahead, depth } = placed
  return moment('waits', { isNow: true, detail: `${inQueue(placed)}: ${ahead} before it, ${depth} in all` })
}

/** The task, a line for each thing that is known. */
export function taskText(task: TaskFacts, paint: Paint): string {
  const { id, name, call, state, eta, expires, retries, chain, chord, callbacks, errbacks, group } = task
  const rows: readonly (readonly [string, string | number | null])[] = [
    ['id', id],
    ['state', state],
    ['eta', eta],
    ['expires', expires],
    ['retries', retries || null],
    ['then', chain],
    ['part of', group && `group ${group}`],
    ['chord', chord],
    ['on success', callbacks],
    ['on failure', errbacks],
  ]
  const known = rows.filter(([, value]) => value !== null)
  const lines = known.map(([label, value]) => `  ${paint.dim(label.padEnd(10))}  ${oneLine(String(value))}`)
  return [paint.strong(oneLine(call ?? name ?? 'a task of a name that nobody says')), ...lines, ''].join('\n')
}
