import { readFileSync, statSync } from 'node:fs'
import {
  Document,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type ScalarTag,
  visit,
} from 'yaml'
import { messageOf, StackError, systemCodeOf } from '../../errors.ts'
import type { Path } from '../complaint.ts'
import { isMapping } from '../forms/leaves.ts'
import { type Position, placesIn } from './places.ts'

/** One parsed document of a file; most files have one. */
export interface Source {
  readonly file: string
  /** Plain data; merge keys are applied, tags are not. With problems: what could be read. */
  readonly value: unknown
  /** What is wrong with the YAML itself. */
  readonly problems: readonly Problem[]
  /** Paths tagged `!reset` (drop what came before) and `!override` (replace what came before). */
  readonly resets: readonly Path[]
  readonly overrides: readonly Path[]
  /** Where a path stands, or its nearest ancestor that does. */
  position(
    path: Path,
    atKey?: boolean,
  ): Position & { /** How many steps of the path were found. */ readonly depth: number }
}

/** What is wrong, and where. */
export interface Problem extends Position {
  readonly message: string
}

/** Reads the documents of a file, or of standard input for `-`; throws COMPOSE_FILE_NOT_FOUND. */
export function readSources(file: string): readonly Source[] {
  return parseSources(file, readText(file))
}

function readText(file: string): string {
  if (file === '-') return readFileSync(0, 'utf8')
  try {
    const found = statSync(file)
    if (found.isDirectory()) throw new Error('it is a directory')
    // A pipe that a shell made for this process has somebody at its other end; any other may be silent for ever.
    if (found.isFIFO() && !/^\/(dev\/fd|proc\/self\/fd)\//.test(file)) throw new Error('it is a pipe')
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const message =
      systemCodeOf(cause) === 'ENOENT' ? `no such file: ${file}` : `cannot read ${file}: ${messageOf(cause)}`
    throw new StackError('COMPOSE_FILE_NOT_FOUND', message, { cause })
  }
}

/** Parses the text of a file; mistakes are collected, not thrown. */
function parseSources(file: string, text: string): readonly Source[] {
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    merge: true,
    intAsBigInt: true,
    prettyErrors: false,
    logLevel: 'silent',
    // The library compares each key with each other one: hours, for a hundred thousand services.
    uniqueKeys: false,
    customTags: (tags) => [wholeNumber, resetTag, overrideTag, ...tags],
  })
  return (documents.length > 0 ? [...documents] : [new Document(null)]).map((document) =>
    sourceOf(file, text, document, lines),
  )
}

function sourceOf(file: string, text: string, document: Document, lines: LineCounter): Source {
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col }
  }
  const syntax = document.errors.map(({ pos, message }) => ({ ...at(pos[0]), message: message.split('\n')[0] ?? '' }))
  const repeated = repeatedKeys(document.contents).map((offset) => ({
    ...at(offset),
    message: 'Map keys must be unique',
  }))
  const { value, problem } = dataOf(document)
  const other = problem === undefined || syntax.length > 0 ? [] : [{ ...at(0), message: problem }]
  const problems = [...syntax, ...repeated, ...other]
  const tagged = (tag: string) =>
    problems.length > 0 || !text.includes(tag) ? [] : taggedPaths(document.contents, tag)
  const place = placesIn(document.contents)
  return {
    file,
    value,
    problems,
    resets: tagged('!reset'),
    overrides: tagged('!override'),
    position(path, atKey = false) {
      const { offset, depth } = place(path, atKey)
      return { ...at(offset), depth }
    },
  }
}

/** Where a mapping has a key for the second time. */
function repeatedKeys(root: unknown): readonly number[] {
  const offsets: number[] = []
  const left: unknown[] = [root]
  while (left.length > 0) {
    const node = left.pop()
    if (isSeq(node)) for (const item of node.items) left.push(item)
    if (!isMap(node)) continue
    const seen = new Set<unknown>()
    for (const { key, value } of node.items) {
      left.push(value)
      if (!isScalar(key)) continue
      if (seen.has(key.value) && key.source !== '<<') offsets.push(key.range?.[0] ?? 0)
      seen.add(key.value)
    }
  }
  return offsets
}

// Compose's YAML reader still takes YAML 1.1's 0755 as octal, 0b11 as binary and 1_000 as a thousand.
const wholeNumber: ScalarTag = {
  identify: () => false,
  default: true,
  tag: 'tag:yaml.org,2002:int',
  test: /^[-+]?(0b[01_]+|0o?[0-7_]+|0x[\da-f_]+|[1-9][\d_]*)$/i,
  resolve(text) {
    const digits = text.replace(/[-+_]/g, '').replace(/^0(?=\d)/, '0o')
    return text.startsWith('-') ? -BigInt(digits) : BigInt(digits)
  },
}

const resetTag: ScalarTag = { tag: '!reset', resolve: () => null }
const overrideTag: ScalarTag = { tag: '!override', resolve: (text) => text }

/** The data of a document, of a broken one as far as it goes; an alias that holds itself has none. */
function dataOf(document: Document): { value: unknown; problem: string | undefined } {
  try {
    const value = plain(document.toJS({ maxAliasCount: 100_000 }))
    const isFile = value === null || isMapping(value)
    return { value, problem: isFile ? undefined : 'top-level object must be a mapping' }
  } catch (thrown) {
    const isEndless = thrown instanceof RangeError
    return { value: undefined, problem: isEndless ? 'an alias stands inside its own anchor' : messageOf(thrown) }
  }
}

/** Whole numbers arrive as bigint so that none loses digits; those that fit become numbers, the others text. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, plain(entry)]))
}

function taggedPaths(root: Node | null, tag: string): Path[] {
  const paths: Path[] = []
  visit(root, {
    Node(key, node, ancestors) {
      if (node.tag !== tag) return
      const steps = ancestors.flatMap((ancestor, index): (string | number)[] => {
        const next = ancestors[index + 1] ?? node
        if (isPair(ancestor) && isScalar(ancestor.key)) return [String(ancestor.key.value)]
        return isSeq(ancestor) ? [ancestor.items.indexOf(next)] : []
      })
      paths.push(typeof key === 'number' ? [...steps.slice(0, -1), key] : steps)
    },
  })
  return paths
}
