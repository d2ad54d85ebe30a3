import { CeleryError } from '../errors.ts'
import { isObject } from '../protocol/json.ts'
import { parseSignatureData, type SignatureData, signatureData } from '../protocol/signature-data.ts'
import {
  type Call,
  type CallOptions,
  type Canvas,
  call,
  chainOf,
  chordOf,
  type Group,
  groupOf,
  listOf,
} from './canvas.ts'
import { addOptions, defined, withArguments, withLink, withLinkError } from './options.ts'
import { callsOf, change, endsInGroup } from './walk.ts'

/**
 * The wire form, which Python reads (§2 of Celery's wire formats).
 *
 * @throws {CeleryError} ENCODE_ERROR for one that nobody could read
 */
export function toData(canvas: Canvas): SignatureData {
  const data = write(canvas)
  if (isDeeper(data, maxDepth)) throw new CeleryError('ENCODE_ERROR', tooDeep)
  return data
}

function write(canvas: Canvas): SignatureData {
  switch (canvas.kind) {
    case 'task': {
      const { task, args, kwargs, options, immutable } = canvas
      return signatureData(task, args, { kwargs: { ...kwargs }, options: optionsToData(options), immutable })
    }
    case 'chain':
      return signatureData('celery.chain', [], {
        kwargs: { tasks: canvas.tasks.map(write) },
        subtask_type: 'chain',
      })
    case 'group':
      return signatureData('celery.group', [], {
        kwargs: { tasks: canvas.tasks.map(write) },
        options: canvas.id === undefined ? {} : { task_id: canvas.id },
        subtask_type: 'group',
      })
    case 'chord':
      return signatureData('celery.chord', [], {
        kwargs: { kwargs: {}, header: write(canvas.header), body: write(canvas.body) },
        options: canvas.header.id === undefined ? {} : { task_id: canvas.header.id },
        subtask_type: 'chord',
      })
  }
}

/** Levels of JSON, beyond which Python reads none. */
const maxDepth = 1000

const tooDeep = `a workflow is nested more than ${maxDepth} levels deep`

/**
 * Reads a wire form. What a composed form says of its members is handed on to them.
 *
 * @throws {CeleryError} DECODE_ERROR for one that has no meaning
 */
export function fromData(data: SignatureData): Canvas {
  if (isDeeper(data, maxDepth)) malformed(tooDeep)
  return read(data)
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  for (const inner of Array.isArray(value) ? value : Object.values(value)) if (isDeeper(inner, levels - 1)) return true
  return false
}

function read(data: SignatureData): Canvas {
  switch (data.subtask_type) {
    case 'chain':
      return handDown(data, chainOf(readList(data.kwargs.tasks)))
    case 'group':
      return handDown(data, readGroup(data))
    case 'chord':
      return handDown(data, readChord(data))
    case 'chunks':
      return readChunks(data)
    default:
      return call(data.task, data.args, {
        kwargs: data.kwargs,
        options: optionsFromData(data.options),
        immutable: data.immutable,
      })
  }
}

function readGroup({ kwargs, options }: Pick<SignatureData, 'kwargs' | 'options'>): Group {
  const id = options.task_id
  return groupOf(readList(kwargs.tasks), typeof id === 'string' ? id : undefined)
}

function readChord({ kwargs, options }: SignatureData): Canvas {
  if (!isObject(kwargs.body)) malformed('a chord has no body')
  const header = parseSignatureData(kwargs.header)
  const group =
    header?.subtask_type === 'group' ? readGroup(header) : readGroup({ kwargs: { tasks: kwargs.header }, options })
  return chordOf(group, readOne(kwargs.body))
}

function readChunks({ kwargs: { task, it, n } }: SignatureData): Canvas {
  return chunksOf(task, Array.isArray(it) ? it : [], typeof n === 'number' ? n : 1)
}

/** A group of `celery.starmap`, each of which has `n` of the argument lists. */
export function chunksOf(task: unknown, it: readonly unknown[], n: number): Group {
  const parts = Array.from({ length: Math.ceil(it.length / n) }, (_, part) => it.slice(part * n, (part + 1) * n))
  return groupOf(parts.map((part) => call('celery.starmap', [], { kwargs: { task, it: part }, immutable: true })))
}

/** Arguments and options that Celery keeps on the composed form until it is sent. */
function handDown({ args, options, immutable, subtask_type: type }: SignatureData, canvas: Canvas): Canvas {
  const { taskId, groupId, groupIndex, chord, link, linkError, ...others } = optionsFromData(options)
  // The id of a group or a chord is that of its group, which has it.
  const place = { ...(type === 'chain' && taskId && { taskId }), ...defined({ groupId, groupIndex, chord }) }
  let read = immutable ? canvas : withArguments(canvas, args)
  read = change(read, 'end', (end) => ({ ...end, options: { ...place, ...end.options } }))
  read = addOptions(read, 'start', others)
  for (const callback of listOf(link))
    read = endsInGroup(read) ? linkedToFirst(read, callback) : withLink(read, callback)
  for (const errback of listOf(linkError)) read = withLinkError(read, errback)
  return read
}

// What Celery makes of a link to a group.
function linkedToFirst(group: Canvas, callback: Canvas): Canvas {
  const immutable = change(callback, 'start', (call) => ({ ...call, immutable: true }))
  const [first] = callsOf(group, 'end')
  return change(group, 'end', (end) => (end === first ? (withLink(end, immutable) as Call) : end))
}

const readList = (value: unknown): Canvas[] => (Array.isArray(value) ? value : [value]).map(readOne)

function readOne(value: unknown): Canvas {
  return read(parseSignatureData(value) ?? malformed('a part of a workflow is no signature'))
}

function malformed(what: string): never {
  throw new CeleryError('DECODE_ERROR', what)
}

function optionsToData(options: CallOptions): Record<string, unknown> {
  const { link, linkError, stamps, queue, chain, chord, ...plain } = options
  return {
    ...Object.fromEntries(Object.entries(plain).map(([name, value]) => [snakeCase(name), value])),
    ...(queue !== undefined && { queue: typeof queue === 'string' ? queue : queue.name }),
    ...(link && { link: listOf(link).map(write) }),
    ...(linkError && { link_error: listOf(linkError).map(write) }),
    ...(chain && { chain }),
    ...(chord && { chord: write(chord) }),
    ...(stamps && { stamped_headers: Object.keys(stamps), ...stamps }), // flat, as Celery has them
  }
}

function optionsFromData(options: Record<string, unknown>): CallOptions {
  const { link, link_error: linkError, chain, chord, stamped_headers: stamped, eta, expires, ...plain } = options
  const names = new Set(Array.isArray(stamped) ? stamped.map(String) : [])
  const entries = Object.entries(plain).filter(([, value]) => value !== null)
  const isStamp = ([name]: [string, unknown]) => names.has(name)
  return {
    ...Object.fromEntries(entries.filter((entry) => !isStamp(entry)).map(([name, value]) => [camelCase(name), value])),
    ...(eta ? { eta: toDate(eta) } : {}),
    ...(typeof expires === 'number' ? { expires } : expires ? { expires: toDate(expires) } : {}),
    ...(link ? { link: readList(link) } : {}),
    ...(linkError ? { linkError: readList(linkError) } : {}),
    ...(Array.isArray(chain) ? { chain: chain.map(parseSignatureData).filter((step) => step !== undefined) } : {}),
    ...(chord ? { chord: readOne(chord) } : {}),
    ...(names.size > 0 ? { stamps: Object.fromEntries(entries.filter(isStamp)) } : {}),
  }
}

const toDate = (value: unknown) => (value instanceof Date ? value : new Date(String(value)))

const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const camelCase = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
