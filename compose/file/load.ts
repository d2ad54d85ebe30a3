import { readFileSync } from 'node:fs'
import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type ScalarTag,
  visit,
} from 'yaml'
import { messageOf, StackError, systemCodeOf } from '../errors.ts'
import type { Path } from './normalize.ts'

/** One parsed file. */
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

/** A place in a file. */
export interface Position {
  /** From 1. */
  readonly line: number
  readonly column: number
}

/** What is wrong, and where. */
export interface Problem extends Position {
  readonly message: string
}

/** Reads a file, or throws COMPOSE_FILE_NOT_FOUND. */
export function readSource(file: string): Source {
  try {
    return parseSource(file, readFileSync(file, 'utf8'))
  } catch (cause) {
    if (cause instanceof StackError) throw cause
    const message =
      systemCodeOf(cause) === 'ENOENT' ? `no such file: ${file}` : `cannot read ${file}: ${messageOf(cause)}`
    throw new StackError('COMPOSE_FILE_NOT_FOUND', message, { cause })
  }
}

/** Parses the text of a file; mistakes are collected, not thrown. */
function parseSource(file: string, text: string): Source {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    merge: true,
    intAsBigInt: true,
    prettyErrors: false,
    logLevel: 'silent',
    customTags: (tags) => [wholeNumber, resetTag, overrideTag, ...tags],
  })
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col }
  }
  const syntax = document.errors.map(({ pos, message }) => ({ ...at(pos[0]), message: message.split('\n')[0] ?? '' }))
  const { value, problem } = dataOf(document)
  const problems = problem === undefined || syntax.length > 0 ? syntax : [{ ...at(0), message: problem }]
  const tagged = (tag: string) => (problems.length > 0 ? [] : taggedPaths(document.contents, tag))
  return {
    file,
    value,
    problems,
    resets: tagged('!reset'),
    overrides: tagged('!override'),
    position(path, atKey = false) {
      const { offset, depth } = follow(document.contents, path, atKey)
      return { ...at(offset), depth }
    },
  }
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
    return { value: plain(document.toJS({ maxAliasCount: 100_000 })), problem: undefined }
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

/** Follows a path through aliases and merge keys as far as it leads. */
function follow(root: unknown, path: Path, atKey: boolean): { offset: number; depth: number } {
  let offset = 0
  let node: unknown = root
  for (const [depth, step] of path.entries()) {
    const found = childOf(resolved(node, root), step, root)
    if (!found) return { offset, depth }
    node = found.value
    const atValue = depth === path.length - 1 && !atKey
    offset = (atValue ? startOf(found.value) : undefined) ?? found.offset ?? offset
  }
  return { offset, depth: path.length }
}

interface Found {
  readonly value: unknown
  readonly offset: number | undefined
}

function childOf(node: unknown, step: string | number, root: unknown): Found | undefined {
  // A single entry may stand for the list of it.
  if (isScalar(node) && step === 0) return { value: node, offset: startOf(node) }
  if (isSeq(node)) {
    // A map may be written as a list of its keys.
    const isMeant = (item: unknown, index: number) =>
      index === step || (isScalar(item) && String(item.value).split('=', 1)[0] === step)
    const value = node.items.find(isMeant)
    return value === undefined ? undefined : { value, offset: startOf(value) }
  }
  if (!isMap(node)) return undefined
  for (const pair of node.items) {
    if (isScalar(pair.key) && String(pair.key.value) === String(step)) {
      return { value: pair.value, offset: startOf(pair.key) }
    }
  }
  for (const pair of node.items) {
    if (!isScalar(pair.key) || pair.key.source !== '<<') continue
    const merged = resolved(pair.value, root)
    for (const source of isSeq(merged) ? merged.items : [merged]) {
      const found = childOf(resolved(source, root), step, root)
      if (found) return found
    }
  }
  return undefined
}

function resolved(node: unknown, root: unknown): unknown {
  if (!isAlias(node)) return node
  let target: unknown
  visit(root as Node, {
    Node(_, candidate) {
      if ('anchor' in candidate && candidate.anchor === node.source) target = candidate
      // The last anchor of that name before the alias is the one meant.
      return candidate === node ? visit.BREAK : undefined
    },
  })
  return target
}

function startOf(node: unknown): number | undefined {
  return typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)
    ? Number(node.range[0])
    : undefined
}
