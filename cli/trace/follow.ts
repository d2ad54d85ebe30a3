import { type Celery, type ResultMeta, sleep, systemClock } from '../../src/index.ts'
import { type Fed, feed } from '../feed.ts'
import { onAbort } from '../interrupt.ts'
import { endings, type Kind, type Moment, momentOfEvent, momentOfResult } from './moment.ts'

/** What is heard of a task while one listens: of its events, or of what is stored. */
export interface Heard {
  readonly from: 'events' | 'results'
  readonly moment: Moment
}

/** Events of tasks come in batches. They tell more than what is stored, which is left behind them so long. */
const graceMs = 500

/**
 * Listens from now on, until the task ends or the signal aborts. Workers send events of tasks only with `-E`; what is
 * stored (retries, a state of its own, the end) is heard without.
 */
export async function listen(app: Celery, id: string, signal: AbortSignal): Promise<Fed<Heard>> {
  const heard = feed<Heard>()
  onAbort(signal, heard.end)
  await app.events.receive((event) => {
    const moment = event.uuid === id ? momentOfEvent(event) : undefined
    if (moment) heard.push({ from: 'events', moment })
  })
  const tell = async (meta: ResultMeta) => {
    const moment = momentOfResult(meta)
    if (moment.what !== 'state') await sleep(systemClock, graceMs, signal)
    heard.push({ from: 'results', moment })
  }
  const onMessage = (meta: ResultMeta) => void tell(meta).catch(() => {})
  // Where no results are kept, events alone tell.
  app
    .asyncResult(id)
    .get({ propagate: false, onMessage, signal })
    .catch(() => {})
  return heard
}

/** What a task has gone through when these are so. */
const implied: Partial<Record<Kind, readonly Kind[]>> = {
  held: ['received'],
  scheduled: ['received'],
  started: ['received'],
}

/**
 * Tells news from what was told before, by the story or by the other source: once there are events, what is stored
 * adds no steps of the way. A retry begins anew.
 */
export function newsAfter(story: readonly Moment[]): (heard: Heard) => boolean {
  let told = new Set<Kind>()
  let last: Heard | undefined
  let hasEvents = false
  const note = ({ what }: Moment) => {
    if (what === 'retried') told = new Set()
    for (const kind of [what, ...(implied[what] ?? [])]) told.add(kind)
  }
  for (const moment of story) note(moment)
  return (heard) => {
    const { from, moment } = heard
    const isOwn = moment.what === 'state'
    const isRepeated = last?.moment.what === moment.what && (last.from !== from || last.moment.detail === moment.detail)
    const isOld = !isOwn && moment.what !== 'retried' && told.has(moment.what)
    const isBehind = hasEvents && from === 'results' && !isOwn && !isEnd(moment)
    hasEvents ||= from === 'events'
    if (isRepeated || isOld || isBehind) return false
    last = heard
    note(moment)
    return true
  }
}

export const isEnd = ({ what }: Moment): boolean => endings.has(what)
