import { constants } from 'node:os'
import { isObject } from '../../protocol/json.ts'
import { repr } from '../../protocol/repr.ts'
import type { Request } from '../request.ts'
import { type Commands, type PanelTarget, texts } from './target.ts'

/** Tasks that nobody wants any more. */
export const revokeCommands: Commands = {
  revoke: {
    kind: 'control',
    help: 'ignore tasks, by id',
    variadic: 'task_id',
    signature: '[id1 [id2 [... [idN]]]]',
    run: (worker, { task_id: ids, terminate, signal }) =>
      revoke(worker, texts(ids), terminate === true ? signalName(signal) : undefined),
  },
  terminate: {
    kind: 'control',
    help: 'end tasks, by id',
    args: [['signal', 'text']],
    variadic: 'task_id',
    signature: '<signal> [id1 [id2 [... [idN]]]]',
    run: (worker, { task_id: ids, signal }) => revoke(worker, texts(ids), signalName(signal)),
  },
  revoke_by_stamped_headers: {
    kind: 'control',
    help: 'ignore tasks that have a stamp',
    variadic: 'headers',
    signature: '[key1=value1 [key2=value2 [... [keyN=valueN]]]]',
    run: (worker, { headers, terminate, signal }) =>
      revokeStamped(worker, stampsOf(headers), terminate === true ? signalName(signal) : undefined),
  },
}

function revoke({ log, state }: PanelTarget, ids: readonly string[], signal: NodeJS.Signals | undefined): object {
  state.revoked.add(ids)
  if (signal === undefined) {
    log.info(`Tasks flagged as revoked: ${ids.join(', ')}`)
    return { ok: `tasks ${reprSet(ids)} flagged as revoked` }
  }
  const found = [...state.reserved].filter(({ message }) => ids.includes(message.id))
  for (const request of found) request.terminate(signal)
  const ended = found.map(({ message }) => message.id)
  return { ok: ended.length > 0 ? `terminate: ${ended.join(', ')}` : 'terminate: tasks unknown' }
}

type Stamps = Readonly<Record<string, unknown>>

function revokeStamped({ state }: PanelTarget, stamps: Stamps, signal: NodeJS.Signals | undefined): object {
  for (const [header, values] of Object.entries(stamps)) state.revokedStamps.add(header, valuesOf(values))
  if (signal === undefined) return { ok: `headers ${repr(stamps)} flagged as revoked, but not terminated` }
  const wanted = Object.entries(stamps).map(([header, values]) => [header, valuesOf(values)] as const)
  const has = (request: Request, header: string, value: unknown) =>
    valuesOf(request.message.stamps[header]).includes(value)
  const found = [...state.active].filter((request) =>
    wanted.some(([header, values]) => values.some((value) => has(request, header, value))),
  )
  for (const request of found) request.terminate(signal)
  if (found.length === 0) return { ok: `headers ${repr(stamps)} were not terminated` }
  const matching = wanted.map(([header, values]) => [
    header,
    values.filter((value) => found.some((request) => has(request, header, value))),
  ])
  return { ok: `headers ${repr(Object.fromEntries(matching.filter(([, values]) => values?.length)))} revoked` }
}

/** A command line gives `['tenant=acme']`. */
function stampsOf(given: unknown): Stamps {
  if (isObject(given)) return given
  return Object.fromEntries(texts(given).map((word) => word.split(/=(.*)/s).slice(0, 2)))
}

const valuesOf = (stamp: unknown): unknown[] =>
  Array.isArray(stamp) ? stamp : stamp === undefined || stamp === null ? [] : [stamp]

/** `SIGKILL`, `kill` or 9, as Python takes them. */
function signalName(given: unknown): NodeJS.Signals {
  const text = String(given ?? 'SIGTERM').toUpperCase()
  const isMeant = ([name, number]: [string, number]) => [name, name.slice(3), String(number)].includes(text)
  const found = Object.entries(constants.signals).find(isMeant)
  if (found) return found[0] as NodeJS.Signals
  throw new Error(`there is no signal ${given}`)
}

/** A Python set. */
const reprSet = (items: readonly string[]) =>
  items.length === 0 ? 'set()' : `{${[...new Set(items)].map((item) => repr(item)).join(', ')}}`
