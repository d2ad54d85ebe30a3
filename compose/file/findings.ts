import { relative } from 'node:path'
import { StackError } from '../errors.ts'
import type { Complain, Complaint, Path } from './complaint.ts'
import type { Source } from './yaml/source.ts'

/** Something that was found wrong, and where. */
interface Finding {
  readonly severity: Complaint['severity']
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
}

/** All that is found wrong in the files of a project, to be told in one pass. */
export class Findings {
  readonly #directory: string
  readonly #found: Finding[] = []

  /** @param directory files are named as seen from here */
  constructor(directory: string) {
    this.#directory = directory
  }

  add(finding: Omit<Finding, 'severity'>): void {
    this.#found.push({ ...finding, severity: 'error' })
  }

  /** Takes complaints about what these files say together; the last one that says it is named. */
  about(sources: readonly Source[]): Complain {
    return ({ severity, path, message, atKey }) => {
      const places = sources.map(({ file, position }) => ({ file, ...position(path, atKey) }))
      const place = places.reduceRight((best, next) => (next.depth > best.depth ? next : best))
      const { file, line, column } = place
      const told = path.length > 0 ? `${pathText(path)}: ${message}` : message
      this.#found.push({ severity, file, line, column, message: told })
    }
  }

  get isFatal(): boolean {
    return this.#found.some(({ severity }) => severity !== 'warning')
  }

  get warnings(): readonly string[] {
    return [...new Set(this.#found.map((finding) => this.#lineOf(finding)))]
  }

  /** COMPOSE_FILE_INVALID, or COMPOSE_UNSUPPORTED when nothing else is wrong. */
  failure(): StackError {
    const errors = this.#lines('error')
    const unsupported = this.#lines('unsupported')
    if (errors.length === 0) {
      return new StackError('COMPOSE_UNSUPPORTED', `not supported here: ${unsupported.join('; ')}`)
    }
    const details = [...errors, ...unsupported]
    const [only = '', ...more] = details
    return more.length === 0
      ? new StackError('COMPOSE_FILE_INVALID', only)
      : new StackError('COMPOSE_FILE_INVALID', `the compose file has ${details.length} mistakes`, { details })
  }

  #lines(severity: Finding['severity']): readonly string[] {
    const inOrder = this.#found
      .filter((finding) => finding.severity === severity)
      .toSorted((a, b) => (a.file === b.file ? a.line - b.line || a.column - b.column : 0))
    return [...new Set(inOrder.map((finding) => this.#lineOf(finding)))]
  }

  #lineOf({ file, line, column, message }: Finding): string {
    const near = relative(this.#directory, file)
    return `${near.startsWith('..') ? file : near}:${line}:${column} ${message}`
  }
}

/** `services.web.ports[0]` */
function pathText(path: Path): string {
  return path
    .map((step) => (/^\d+$/.test(String(step)) ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^\./, '')
}
